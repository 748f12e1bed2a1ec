"""Rollouts for training: sources (files or recipes), and exactly resumable streams of batches over them.

Covers selection, order and batching; ``tasks`` has prediction tasks and scores, ``shards`` makes the files, and
``warehouse`` selects rollouts in SQL.
"""
