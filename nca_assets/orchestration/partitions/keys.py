"""The partitions: one per shard of each set, as many as the settings say; imported files and collections by name."""

import dagster as dg

from nca_assets.project import Project

shard_partitions = dg.StaticPartitionsDefinition(Project.load().partition_keys())

imported_partitions = dg.DynamicPartitionsDefinition(name="imported_shards")

collection_partitions = dg.DynamicPartitionsDefinition(name="collections")
