"""Shards: rollouts as ``.npz`` files in the card's layout, each with a manifest of digests beside it.

Here: simulating a shard's rollouts into a file, reading them back, digests. Not here: the physics, labels, Dagster.
"""
