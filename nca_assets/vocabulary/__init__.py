"""The 32-token vocabulary: hidden states are sampled, clustered and stored as ``centroids.pt``.

Here: learning, checking, reading and writing centroids. Not here: assigning tokens (``automaton``), and Dagster.
"""
