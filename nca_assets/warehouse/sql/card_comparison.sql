WITH recipes AS (FROM labels WHERE recipe_version IS NOT NULL),
measured AS (
    SELECT
        count(*) AS rollouts,
        max(frames) AS frames,
        min(least(height, width)) AS smallest_side,
        max(greatest(height, width)) AS largest_side,
        avg(height * width) AS mean_cells,
        median(height * width) AS median_cells,
        avg(height * width * frames) AS mean_tokens,
        max(height * width * frames) AS most_tokens,
        100 * avg((behavior = 'static')::INTEGER) AS static_percent,
        100 * avg(change_48_112) AS change_percent,
        100 * avg(change_renamed_48_112) AS renamed_percent,
        avg(entropy_100) AS entropy,
        avg(early_change) / nullif(avg(late_change), 0) AS early_over_late,
        100 * avg(similarity_0_16) AS early_match_percent,
        100 * avg(similarity_100_256) AS late_match_percent,
        100 * avg((period IS NOT NULL)::INTEGER) AS periodic_percent,
        100 * avg((period = 2)::INTEGER) AS period_2_percent,
        100 * avg((damage >= 0.5 * damage_independent)::INTEGER) AS chaotic_percent,
        100 * avg((domains >= 0.1)::INTEGER) FILTER (ground_share < 0.8) AS domains_percent,
        100 * avg((ground_share >= 0.5)::INTEGER) AS ground_percent,
        100 * avg((ground_share > 0.97 AND ground_still > 0.9)::INTEGER) AS empty_percent,
        100 * avg((behavior IN ('gliding', 'breathing'))::INTEGER) AS objects_percent,
        100 * avg((behavior IN ('gliding', 'translating'))::INTEGER) AS moving_percent
    FROM recipes
),
class_shares AS (SELECT 100 * count(*) / sum(count(*)) OVER () AS percent FROM recipes GROUP BY behavior),
classes AS (SELECT max(percent) AS largest_percent, count(*) FILTER (percent >= 2) AS common FROM class_shares),
token_shares AS (
    SELECT 100 * sum("count") / sum(sum("count")) OVER () AS percent, row_number() OVER (ORDER BY sum("count") DESC) AS rank
    FROM token_frequency
    WHERE regexp_full_match(set_name, 'set[1-9][0-9]*')
    GROUP BY token
),
vocabulary AS (
    SELECT
        sum(percent) FILTER (rank <= 5) AS top_five_percent,
        max(percent) AS top_percent,
        count(*) FILTER (percent > 0) AS used
    FROM token_shares
),
compared (position, statistic, unit, card, card_says, ours, lowest, highest) AS (
    FROM measured, classes, vocabulary SELECT unnest([
        (1, 'rollouts', 'count', 5e6, '5M+', rollouts, NULL, NULL),
        (2, 'frames per rollout', 'frames', 500, '500', frames, 500, 500),
        (3, 'tokens in use', 'tokens', 32, '32', used, 32, 32),
        (4, 'smallest side', 'cells', 8, '8', smallest_side, 8, 48),
        (5, 'largest side', 'cells', 48, '48', largest_side, 8, 48),
        (6, 'mean cells per frame', 'cells', 724.4, '724.4', mean_cells, 689, 760),
        (7, 'median cells per frame', 'cells', 495, '495', median_cells, 446, 544),
        (8, 'mean tokens per rollout', 'tokens', 362178.2, '362,178.2', mean_tokens, NULL, NULL),
        (9, 'most tokens per rollout', 'tokens', 880000, '880,000', most_tokens, NULL, NULL),
        (10, 'completely static rollouts', '%', 0.1, '< 0.1', static_percent, 0, 0.1),
        (11, 'chaotic or turbulent', '%', NULL, 'others', chaotic_percent, NULL, NULL),
        (12, 'with a period', '%', NULL, 'significant', periodic_percent, 30, NULL),
        (13, 'period 2 of all periods', '%', NULL, 'loops', period_2_percent, 0, 10),
        (14, 'waves and domains', '%', NULL, 'wave-like', domains_percent, 55, NULL),
        (15, 'with a background', '%', NULL, 'background', ground_percent, 15, NULL),
        (16, 'nearly empty', '%', NULL, 'active', empty_percent, 0, 6),
        (17, 'objects on a background', '%', NULL, 'localized', objects_percent, 8, NULL),
        (18, 'moving patterns', '%', NULL, 'lifelike', moving_percent, 3, NULL),
        (19, 'largest class', '%', NULL, 'diverse', largest_percent, 0, 35),
        (20, 'classes of 2 % or more', 'classes', NULL, 'diverse', common, 8, NULL),
        (21, 'most frequent token', '%', 24.43, '24.43', top_percent, 15, 32),
        (22, 'five most frequent tokens', '%', 69.52, '69.52', top_five_percent, 50, NULL),
        (23, 'token entropy at t100', 'bits', NULL, 'high', entropy, NULL, NULL),
        (24, 'novelty t<16 over t>=100', 'ratio', NULL, 'peaks early', early_over_late, 1, NULL),
        (25, 'match of t0 and t16', '%', NULL, 'decays', early_match_percent, NULL, NULL),
        (26, 'match of t100 and t356', '%', NULL, 'high', late_match_percent, NULL, NULL),
        (27, 'cells changed, t48 to t112', '%', 83.01, '83.01', change_percent, 78, 87),
        (28, 'changed beyond renaming', '%', NULL, 'no shortcut', renamed_percent, 40, NULL)
    ]::STRUCT(
        position INTEGER, statistic VARCHAR, unit VARCHAR, card DOUBLE, card_says VARCHAR, ours DOUBLE, lowest DOUBLE,
        highest DOUBLE
    )[], recursive := true)
)
SELECT
    statistic,
    unit,
    card,
    card_says,
    round(ours, 3) AS ours,
    CASE
        WHEN lowest IS NULL THEN NULL
        WHEN highest IS NULL THEN format('{:g} or more', lowest)
        WHEN lowest = highest THEN format('{:g}', lowest)
        ELSE format('{:g} to {:g}', lowest, highest)
    END AS target,
    CASE WHEN lowest IS NOT NULL THEN ours >= lowest AND ours <= coalesce(highest, ours) END AS within_target
FROM compared
ORDER BY position
