CREATE OR REPLACE TABLE card_comparison AS
WITH measured AS (
    SELECT
        count(*) AS rollouts,
        sum(height::BIGINT * width * frames) AS tokens,
        max(frames) AS frames,
        100 * avg((behavior = 'static')::INTEGER) AS static_percent,
        100 * avg(change_48_112) AS change_percent,
        avg(early_change) / nullif(avg(late_change), 0) AS early_over_late,
        100 * avg((period IS NOT NULL)::INTEGER) AS periodic_percent,
        count(DISTINCT behavior) FILTER (behavior <> 'static') AS classes,
        avg(height * width) AS mean_cells,
        median(height * width) AS median_cells,
        avg(height * width * frames) AS mean_tokens,
        min(least(height, width)) AS smallest_side,
        max(greatest(height, width)) AS largest_side
    FROM labels
    WHERE recipe_version IS NOT NULL
),
token_shares AS (
    SELECT 100 * sum("count") / sum(sum("count")) OVER () AS percent, row_number() OVER (ORDER BY sum("count") DESC) AS rank
    FROM token_frequency
    WHERE set_name IN ('set1', 'set2', 'set3')
    GROUP BY token
),
vocabulary AS (
    SELECT
        sum(percent) FILTER (rank <= 5) AS top_five_percent,
        max(percent) AS top_percent,
        count(*) FILTER (percent > 0) AS used
    FROM token_shares
),
compared (position, statistic, unit, card, ours, lowest, highest) AS (
    FROM measured, vocabulary SELECT unnest([
        (1, 'rollouts', 'count', 5e6, rollouts, NULL, NULL),
        (2, 'tokens', 'count', 1.8e12, measured.tokens, NULL, NULL),
        (3, 'frames per rollout', 'frames', 500, frames, 500, 500),
        (4, 'tokens in use', 'tokens', 32, used, 32, 32),
        (5, 'smallest side', 'cells', 8, smallest_side, 8, 48),
        (6, 'largest side', 'cells', 48, largest_side, 8, 48),
        (7, 'mean cells per frame', 'cells', 724.4, mean_cells, 724.4 * 0.95, 724.4 * 1.05),
        (8, 'median cells per frame', 'cells', 495, median_cells, 495 * 0.9, 495 * 1.1),
        (9, 'mean tokens per rollout', 'tokens', 362178.2, mean_tokens, NULL, NULL),
        (10, 'completely static rollouts', '%', 0.1, static_percent, 0, 0.1),
        (11, 'cells changed, t48 to t112', '%', 83.01, change_percent, 81, 85),
        (12, 'novelty t<16 over t>=100', 'ratio', NULL, early_over_late, 1, NULL),
        (13, 'with a period', '%', NULL, periodic_percent, 10, 100),
        (14, 'classes other than static', 'classes', NULL, classes, 11, 11),
        (15, 'most frequent token', '%', 24.43, top_percent, NULL, NULL),
        (16, 'five most frequent tokens', '%', 69.52, top_five_percent, NULL, NULL)
    ]::STRUCT(
        position INTEGER, statistic VARCHAR, unit VARCHAR, card DOUBLE, ours DOUBLE, lowest DOUBLE, highest DOUBLE
    )[], recursive := true)
)
SELECT
    statistic,
    unit,
    card,
    round(ours, 3) AS ours,
    CASE
        WHEN lowest IS NULL THEN NULL
        WHEN highest IS NULL THEN format('above {:g}', lowest)
        WHEN lowest = highest THEN format('{:g}', lowest)
        ELSE format('{:g} to {:g}', lowest, highest)
    END AS target,
    CASE WHEN lowest IS NOT NULL THEN ours >= lowest AND ours <= coalesce(highest, ours) END AS within_target
FROM compared
ORDER BY position
