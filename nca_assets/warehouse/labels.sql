-- In the order of the files, which is that of sets and indices.
CREATE OR REPLACE TABLE labels AS
FROM read_parquet(getvariable('label_files'), hive_partitioning = false)
