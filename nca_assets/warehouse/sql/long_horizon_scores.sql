SELECT
    model, seed, rollout_id, set_name, behavior, difficulty, height, width,
    cross_entropy, accuracy, accuracy_changed, accuracy_unchanged, skill, low, high, trained_on
FROM horizon_scores
WHERE horizon = 64
