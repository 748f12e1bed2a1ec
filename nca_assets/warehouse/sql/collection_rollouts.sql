SELECT name, version, rollout_id, digest
FROM read_parquet(getvariable('collection_files'), hive_partitioning = false)
ORDER BY name, version, rollout_id
