"""Tasks for models: held-out splits, the sparse long-horizon task, its baselines and scores.

Covers tasks, metrics and baseline models; ``loading`` reads rollouts, ``labels`` labels them, and ``figures`` draws the
results.
"""
