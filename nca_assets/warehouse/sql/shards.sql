WITH manifests AS (
    FROM read_json(
        getvariable('manifests'),
        columns = {
            "set": 'VARCHAR', shard: 'INTEGER', members: 'STRUCT(frames INTEGER)[]', frames: 'INTEGER',
            token_counts: 'BIGINT[]', file_bytes: 'BIGINT', digest: 'VARCHAR', recipe_version: 'SMALLINT',
            centroids_digest: 'VARCHAR', device: 'VARCHAR', seconds: 'DOUBLE', source: 'VARCHAR',
            tokens_kept: 'BOOLEAN'
        }
    )
)
SELECT
    "set" || '-' || lpad(shard::VARCHAR, 5, '0') AS partition_key,
    "set" AS set_name,
    shard,
    len(members) AS rollouts,
    -- Given once if all rollouts have as many.
    coalesce(frames, list_max(list_transform(members, lambda member : member.frames))) AS frames,
    list_sum(token_counts)::BIGINT AS tokens,
    file_bytes,
    digest,
    recipe_version,
    centroids_digest,
    device,
    if(source IS NULL, manifests.seconds, NULL) AS seconds,
    if(source IS NULL, tokens / manifests.seconds, NULL) AS tokens_per_second,
    source IS NULL AS reproducible,
    source,
    coalesce(tokens_kept, true) AS tokens_kept
FROM manifests
ORDER BY partition_key
