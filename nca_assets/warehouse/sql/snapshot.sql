SELECT
    (SELECT lower(to_hex(coalesce(sum(md5_number_lower(part::VARCHAR)), 0))) FROM label_parts AS part) AS version,
    getvariable('built_at')::TIMESTAMP AS built_at,
    current.recipe_version::SMALLINT AS recipe_version,
    current.label_version::SMALLINT AS label_version,
    current.centroids_digest AS centroids_digest,
    version() AS duckdb_version
FROM (SELECT getvariable('current') AS current)
