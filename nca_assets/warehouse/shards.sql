CREATE TABLE shards AS
SELECT
    "set" || '-' || lpad(shard::VARCHAR, 5, '0') AS partition_key,
    "set",
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
    tokens / seconds AS tokens_per_second
FROM read_json(
    getvariable('manifests'),
    columns = {
        "set": 'VARCHAR', shard: 'INTEGER', members: 'JSON[]', frames: 'INTEGER', token_counts: 'BIGINT[]',
        file_bytes: 'BIGINT', digest: 'VARCHAR', recipe_version: 'SMALLINT', centroids_digest: 'VARCHAR',
        device: 'VARCHAR', seconds: 'DOUBLE'
    }
)
ORDER BY partition_key
