"""A Dagster asset platform for random Neural Cellular Automaton rollouts.

Two halves: the science (``automaton`` to ``publishing``) knows nothing of Dagster; ``assets``, ``automation`` and
``definitions`` wire it and hold no science.
"""
