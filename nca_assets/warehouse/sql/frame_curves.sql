SELECT
    set_name,
    behavior,
    frame,
    sum(rollouts)::BIGINT AS rollouts,
    round(sum(entropy) / sum(rollouts), 9) AS entropy,
    round(sum(novelty) / sum(rollouts), 9) AS novelty,
    round(sum(difference) / sum(rollouts), 9) AS difference,
    CASE WHEN frame >= 100 THEN round(sum(similarity_100) / sum(rollouts), 9) END AS similarity_100
FROM read_parquet(getvariable('curve_sum_files'), hive_partitioning = false)
GROUP BY set_name, behavior, frame
ORDER BY set_name, behavior, frame
