"""The 32-token vocabulary: hidden states sampled, clustered and stored as ``centroids.pt``.

Here: learning, checking, reading and writing centroids. Not here: assigning tokens (``automaton``), Dagster.
"""
