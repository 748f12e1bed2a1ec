"""Making partitions: the two stages of a shard, their checks, and the processes that do it, here or on Ray.

Not here: Dagster, so that a worker needs none of it; runs and events (``orchestration``).
"""
