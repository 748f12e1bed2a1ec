"""Rollouts for training: sources (files or recipes), and streams of batches over them that can be resumed exactly.

Here: what to read, in which order, in which batches. Not here: what a model should predict and how it is scored
(``tasks``), how files are made (``shards``) and how rollouts are chosen in SQL (``warehouse``).
"""
