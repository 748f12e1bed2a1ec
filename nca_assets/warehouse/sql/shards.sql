SELECT
    "set" || '-' || lpad(shard::VARCHAR, 5, '0') AS partition_key,
    "set" AS set_name,
    shard,
    len(members) AS rollouts,
    frames,
    list_sum(token_counts)::BIGINT AS tokens,
    file_bytes,
    digest,
    recipe_version,
    centroids_digest,
    device,
    seconds,
    tokens / seconds AS tokens_per_second,
    true AS reproducible,
    NULL::VARCHAR AS source
FROM read_json(
    getvariable('manifests'),
    columns = {
        "set": 'VARCHAR', shard: 'INTEGER', members: 'JSON[]', frames: 'INTEGER', token_counts: 'BIGINT[]',
        file_bytes: 'BIGINT', digest: 'VARCHAR', recipe_version: 'SMALLINT', centroids_digest: 'VARCHAR',
        device: 'VARCHAR', seconds: 'DOUBLE'
    }
)
UNION ALL BY NAME
SELECT
    "set" || '-' || lpad(shard::VARCHAR, 5, '0') AS partition_key,
    "set" AS set_name,
    shard,
    len(members) AS rollouts,
    list_max(list_transform(members, lambda member : member.frames)) AS frames,
    list_sum(token_counts)::BIGINT AS tokens,
    file_bytes,
    digest,
    false AS reproducible,
    source
FROM read_json(
    getvariable('imported_manifests'),
    columns = {
        "set": 'VARCHAR', shard: 'INTEGER', members: 'STRUCT(frames INTEGER)[]', token_counts: 'BIGINT[]',
        file_bytes: 'BIGINT', digest: 'VARCHAR', source: 'VARCHAR'
    }
)
ORDER BY partition_key
