"""What models are asked to do with rollouts: held-out splits, the sparse long-horizon task, its baselines and scores.

Here: tasks, metrics, models to compare with. Not here: how rollouts get into memory (``loading``), what they are
(``labels``), pictures of the results (``figures``).
"""
