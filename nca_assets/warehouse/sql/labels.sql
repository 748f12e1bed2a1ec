FROM read_parquet(getvariable('label_files'), hive_partitioning = false)
