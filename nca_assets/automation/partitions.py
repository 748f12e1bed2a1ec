"""The partitions: one per shard of each set, as the settings size them; imported files and collections by name."""

import dagster as dg

from nca_assets.settings import load_settings

shard_partitions = dg.StaticPartitionsDefinition(load_settings().partition_keys())

imported_partitions = dg.DynamicPartitionsDefinition(name="imported_shards")

collection_partitions = dg.DynamicPartitionsDefinition(name="collections")
