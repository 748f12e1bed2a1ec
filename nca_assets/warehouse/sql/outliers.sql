-- Shards with far more or fewer rollouts of a class than the rest of their set suggests.
WITH counted AS (
    SELECT set_name, shard, behavior, count(*) AS rollouts
    FROM labels
    WHERE recipe_version IS NOT NULL
    GROUP BY ALL
),
shards AS (SELECT set_name, shard, sum(rollouts) AS of_shard FROM counted GROUP BY ALL),
sets AS (SELECT set_name, sum(of_shard) AS of_set FROM shards GROUP BY ALL),
classes AS (SELECT set_name, behavior, sum(rollouts) AS of_class FROM counted GROUP BY ALL),
compared AS (
    SELECT
        set_name,
        shard,
        behavior,
        of_shard,
        coalesce(rollouts, 0) AS rollouts,
        -- Over the set's other shards, since in a small set a shard would dominate its own mean.
        (of_class - coalesce(rollouts, 0)) / nullif(of_set - of_shard, 0) AS usual,
        of_set - of_shard AS of_others
    FROM shards
    JOIN sets USING (set_name)
    JOIN classes USING (set_name)
    LEFT JOIN counted USING (set_name, shard, behavior)
),
bounded AS (
    SELECT
        *,
        -- Binomial error of the shard and of the mean it is compared with; the added 1 is for rare classes.
        -- 8 sigma, since rollouts of a block share their size and so are more alike: 4 was seen among 72 good shards.
        8 * sqrt(1 + of_shard * usual * (1 - usual) * (1 + of_shard / of_others)) AS bound
    FROM compared
    WHERE of_others >= 1000
)
SELECT set_name || '-' || lpad(shard::VARCHAR, 5, '0') AS partition_key, behavior, rollouts, of_shard * usual AS expected, bound
FROM bounded
WHERE abs(rollouts - of_shard * usual) > bound
ORDER BY abs(rollouts - of_shard * usual) / bound DESC
