SELECT
    model,
    count(*) AS rollouts,
    avg(cross_entropy) AS cross_entropy,
    avg(accuracy) AS accuracy,
    avg(accuracy_changed) AS accuracy_changed,
    avg(accuracy_unchanged) AS accuracy_unchanged,
    avg(skill) AS skill
FROM long_horizon_scores
GROUP BY model
ORDER BY cross_entropy
