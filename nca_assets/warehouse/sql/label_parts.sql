WITH lineage AS (
    SELECT file_name, map_from_entries(list((decode("key"), decode("value")))) AS made_from
    FROM parquet_kv_metadata(getvariable('label_files'))
    GROUP BY file_name
),
places AS (
    SELECT *, regexp_extract(file_name, 'set=([^/]+)/shard=(\d+)', ['folder', 'number']) AS place
    FROM parquet_file_metadata(getvariable('label_files'))
    WHERE num_rows > 0
),
named AS (
    SELECT *, if(regexp_matches(place.folder, '^\d+$'), 'set', '') || place.folder AS set_name FROM places
)
SELECT
    set_name || '-' || place."number" AS partition_key,
    set_name,
    place."number"::INTEGER AS shard,
    num_rows::BIGINT AS rollouts,
    file_size_bytes::BIGINT AS file_bytes,
    made_from['digest'] AS digest,
    made_from['label_version']::SMALLINT AS label_version,
    made_from['recipe_version']::SMALLINT AS recipe_version,
    made_from['shard_digest'] AS shard_digest,
    made_from['centroids_digest'] AS centroids_digest
FROM named
LEFT JOIN lineage USING (file_name)
ORDER BY partition_key
