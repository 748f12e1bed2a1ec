CREATE VIEW behavior_summary AS
SELECT
    behavior,
    count(*) AS rollouts,
    100 * count(*) / sum(count(*)) OVER () AS percent,
    avg(mean_change) AS mean_change,
    avg(tail_change) AS tail_change,
    avg(token_entropy) AS token_entropy,
    median(period) AS median_period
FROM labels
GROUP BY behavior
ORDER BY rollouts DESC, behavior
