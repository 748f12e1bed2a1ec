SELECT
    model, seed, horizon, rollout_id, set_name, behavior, difficulty, height, width,
    cross_entropy, accuracy, accuracy_changed, accuracy_unchanged, skill, low, high, trained_on
FROM read_parquet(getvariable('score_files'), hive_partitioning = false, union_by_name = true)
