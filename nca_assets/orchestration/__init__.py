"""Dagster's half: assets, the events of their partitions, backfills and the instance; thin, without science."""
