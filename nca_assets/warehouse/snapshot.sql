CREATE OR REPLACE TABLE "snapshot" AS
SELECT
    getvariable('snapshot') AS version,
    getvariable('built_at')::TIMESTAMP AS built_at,
    present.recipe_version::SMALLINT AS recipe_version,
    present.label_version::SMALLINT AS label_version,
    present.centroids_digest AS centroids_digest,
    version() AS duckdb_version
FROM (SELECT getvariable('present') AS present)
