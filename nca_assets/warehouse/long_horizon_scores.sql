CREATE OR REPLACE TABLE long_horizon_scores AS
FROM read_parquet(getvariable('score_files'), hive_partitioning = false)
