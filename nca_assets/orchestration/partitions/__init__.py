"""Partition keys, their events in Dagster, and which of them are pending or in flight."""
