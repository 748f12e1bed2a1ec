WITH frozen AS (
    SELECT
        regexp_extract(file_name, '([^/]+)/v(\d+)\.parquet$', ['name', 'version']) AS place,
        map_from_entries(list((decode("key"), decode("value")))) AS says
    FROM parquet_kv_metadata(getvariable('collection_files'))
    GROUP BY file_name
)
SELECT
    place.name AS name,
    place.version::INTEGER AS version,
    place.version::INTEGER = max(place.version::INTEGER) OVER (PARTITION BY place.name) AS latest,
    says['query'] AS query,
    says['sampling'] AS sampling,
    says['created']::TIMESTAMP AS created,
    trim(says['snapshot'], '"') AS "snapshot",
    says['rollouts']::BIGINT AS rollouts,
    says['digest'] AS digest
FROM frozen
WHERE place.name <> ''
ORDER BY name, version
