"""The partitions: one per shard of each set, as the settings size them."""

import dagster as dg

from nca_assets.settings import load_settings

shard_partitions = dg.StaticPartitionsDefinition(load_settings().partition_keys())
