CREATE TABLE labels AS
FROM read_parquet(getvariable('label_parts'), hive_partitioning = false)
ORDER BY "set", "index"
