FROM read_parquet(getvariable('score_files'), hive_partitioning = false)
