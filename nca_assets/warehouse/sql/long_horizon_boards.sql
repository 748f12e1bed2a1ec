SELECT
    board, value, horizon, model, rollouts, seeds, trained_on, cross_entropy, low, high, behind, behind_low, behind_high,
    accuracy, accuracy_changed, accuracy_unchanged, skill
FROM read_parquet(getvariable('board_files'), hive_partitioning = false, union_by_name = true)
