SELECT
    CASE WHEN recipe_version IS NULL THEN set_name ELSE 'recipes' END AS origin,
    behavior,
    count(*) AS rollouts,
    100 * count(*) / sum(count(*)) OVER (PARTITION BY origin) AS percent,
    round(avg(mean_change), 9) AS mean_change,
    round(avg(tail_change), 9) AS tail_change,
    round(avg(token_entropy), 9) AS token_entropy,
    median(period) AS median_period
FROM labels
GROUP BY origin, behavior
ORDER BY origin = 'recipes' DESC, origin, rollouts DESC, behavior
