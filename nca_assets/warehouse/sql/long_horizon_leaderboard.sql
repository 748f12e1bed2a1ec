SELECT
    model, rollouts, seeds, trained_on, cross_entropy, low, high, behind, behind_low, behind_high,
    accuracy, accuracy_changed, accuracy_unchanged, skill
FROM long_horizon_boards
WHERE board = 'all' AND horizon = 64
ORDER BY cross_entropy
