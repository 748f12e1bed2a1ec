WITH similarities AS (
    SELECT rollout_id, set_name, behavior, 0 AS "start", 1 AS lag, similarity_0_1 AS similarity FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 0, 2, similarity_0_2 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 0, 4, similarity_0_4 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 0, 8, similarity_0_8 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 0, 16, similarity_0_16 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 0, 32, similarity_0_32 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 0, 64, similarity_0_64 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 0, 128, similarity_0_128 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 0, 256, similarity_0_256 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 100, 1, similarity_100_1 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 100, 2, similarity_100_2 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 100, 4, similarity_100_4 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 100, 8, similarity_100_8 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 100, 16, similarity_100_16 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 100, 32, similarity_100_32 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 100, 64, similarity_100_64 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 100, 128, similarity_100_128 FROM labels
    UNION ALL SELECT rollout_id, set_name, behavior, 100, 256, similarity_100_256 FROM labels
)
SELECT rollout_id, set_name, behavior, "start"::SMALLINT AS "start", lag::SMALLINT AS lag, similarity
FROM similarities
WHERE similarity IS NOT NULL
