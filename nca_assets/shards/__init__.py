"""Shards: rollouts as ``.npz`` files, made from recipes in the card's layout or imported, each with a manifest.

Here: simulating a shard's rollouts into a file, importing, reading, verifying. Not here: the physics, labels, Dagster.
"""
