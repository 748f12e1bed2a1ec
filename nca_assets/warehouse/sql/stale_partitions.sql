WITH current AS (SELECT unnest(getvariable('current'))),
disk AS (SELECT unnest(getvariable('disk'), recursive := true)),
unreadable AS (SELECT unnest(getvariable('unreadable'), recursive := true)),
last AS (SELECT asset, partition_key, data_version, "time" FROM current_materializations),
damaged AS (
    SELECT unnest(getvariable('damaged'), recursive := true)
    UNION ALL
    SELECT asset, partition_key, reason FROM last JOIN unreadable USING (asset) WHERE partition_key GLOB pattern
),
made AS (
    SELECT if(reproducible, 'rollout_shards', 'imported_shards') AS asset, shards.*, last.data_version, disk.*
    FROM shards
    LEFT JOIN disk ON disk.shard_key = partition_key
    LEFT JOIN last ON last.asset = if(reproducible, 'rollout_shards', 'imported_shards')
        AND last.partition_key = shards.partition_key
),
labelled AS (
    SELECT
        if(coalesce(reproducible, label_parts.recipe_version IS NOT NULL), 'behavior_labels', 'imported_labels')
            AS asset,
        label_parts.*, shards.digest AS current_shard, last.data_version
    FROM label_parts
    LEFT JOIN shards USING (partition_key)
    LEFT JOIN last ON last.asset IN ('behavior_labels', 'imported_labels')
        AND last.partition_key = label_parts.partition_key
),
reasons (asset, partition_key, rank, reason) AS (
    SELECT asset, partition_key, 1, 'file missing' FROM made WHERE tokens_kept AND token_bytes IS NULL
    UNION ALL
    SELECT asset, partition_key, 1, 'file missing' FROM last
    ANTI JOIN damaged USING (asset, partition_key)
    WHERE (asset IN ('rollout_shards', 'imported_shards') AND partition_key NOT IN (SELECT partition_key FROM shards))
        OR (asset IN ('behavior_labels', 'imported_labels')
            AND partition_key NOT IN (SELECT partition_key FROM label_parts))
        OR (asset = 'centroids' AND (SELECT centroids_digest FROM current) IS NULL)
    UNION ALL
    SELECT asset, partition_key, 2, format('file has {} bytes, its manifest says {}', token_bytes, file_bytes)
    FROM made WHERE tokens_kept AND token_bytes <> file_bytes
    UNION ALL
    SELECT asset, partition_key, 3, reason FROM damaged
    UNION ALL
    SELECT asset, partition_key, 4, 'digest differs from the one materialized: ' || data_version[:12] || '… → ' || digest[:12] || '…'
    FROM made WHERE data_version <> digest
    UNION ALL
    SELECT asset, partition_key, 4, 'digest differs from the one materialized: ' || data_version[:12] || '… → ' || digest[:12] || '…'
    FROM labelled WHERE data_version <> digest
    UNION ALL
    SELECT asset, partition_key, 4, 'digest differs from the one materialized: ' || data_version[:12] || '… → ' || centroids_digest[:12] || '…'
    FROM last, current WHERE asset = 'centroids' AND data_version <> centroids_digest
    UNION ALL
    SELECT asset, partition_key, 5, format('recipe_version {} → {}', made.recipe_version, current.recipe_version)
    FROM made, current WHERE made.recipe_version <> current.recipe_version
    UNION ALL
    SELECT asset, partition_key, 5, format('recipe_version {} → {}', labelled.recipe_version, current.recipe_version)
    FROM labelled, current WHERE labelled.recipe_version <> current.recipe_version
    UNION ALL
    SELECT asset, partition_key, 6, 'centroids changed: ' || made.centroids_digest[:12] || '… → ' || current.centroids_digest[:12] || '…'
    FROM made, current WHERE made.centroids_digest <> current.centroids_digest
    UNION ALL
    SELECT asset, partition_key, 6, 'centroids changed: ' || labelled.centroids_digest[:12] || '… → ' || current.centroids_digest[:12] || '…'
    FROM labelled, current WHERE labelled.centroids_digest <> current.centroids_digest
    UNION ALL
    SELECT asset, partition_key, 7, format('label_version {} → {}', coalesce(labelled.label_version::VARCHAR, 'none'),
        current.label_version)
    FROM labelled, current WHERE labelled.label_version IS DISTINCT FROM current.label_version
    UNION ALL
    SELECT asset, partition_key, 8, 'shard changed: ' || shard_digest[:12] || '… → ' || current_shard[:12] || '…'
    FROM labelled WHERE shard_digest <> current_shard
)
SELECT
    reasons.asset,
    reasons.partition_key,
    string_agg(reason, '; ' ORDER BY rank) AS reason,
    any_value("time") AS materialized_at
FROM reasons
LEFT JOIN last ON last.asset = reasons.asset AND last.partition_key IS NOT DISTINCT FROM reasons.partition_key
GROUP BY reasons.asset, reasons.partition_key
ORDER BY reasons.asset, reasons.partition_key
