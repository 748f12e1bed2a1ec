WITH events AS (
    SELECT DISTINCT ON (run_id, asset, partition_key, event) *
    FROM read_parquet(getvariable('history_files'), hive_partitioning = false, union_by_name = true)
),
-- Dagster records an input's partition by the hash of its data version.
versions AS (SELECT DISTINCT asset, data_version, sha256(data_version) AS hashed FROM events),
used AS (SELECT run_id, asset, partition_key, "time", unnest(inputs) AS "input" FROM events),
inputs AS (
    SELECT
        run_id,
        used.asset,
        partition_key,
        "time",
        map_from_entries(list(("input"."key", coalesce(versions.data_version, "input"."value")) ORDER BY "input"."key"))
            AS inputs
    FROM used
    LEFT JOIN versions ON versions.asset = "input"."key" AND versions.hashed = "input"."value"
    GROUP BY ALL
)
SELECT
    events.asset,
    events.partition_key,
    events."time",
    events.run_id,
    code_version,
    data_version,
    coalesce(inputs.inputs, MAP {}) AS inputs,
    device,
    seconds,
    tokens_per_second,
    coalesce(data_version <> lag(data_version) OVER earlier, true) AS changed
FROM events
LEFT JOIN inputs
    ON inputs.run_id = events.run_id
    AND inputs.asset = events.asset
    AND inputs.partition_key IS NOT DISTINCT FROM events.partition_key
    AND inputs."time" = events."time"
WINDOW earlier AS (PARTITION BY events.asset, events.partition_key ORDER BY events."time", events.run_id)
ORDER BY events."time", events.asset, events.partition_key
