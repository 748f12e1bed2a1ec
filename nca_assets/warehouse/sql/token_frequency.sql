WITH manifests AS (
    FROM read_json(getvariable('manifests'), columns = {"set": 'VARCHAR', token_counts: 'BIGINT[]'})
),
counts AS (
    SELECT "set" AS set_name, generate_subscripts(token_counts, 1) - 1 AS token, unnest(token_counts) AS "count"
    FROM manifests
)
SELECT
    set_name,
    token::SMALLINT AS token,
    sum("count") AS "count",
    sum("count") / sum(sum("count")) OVER (PARTITION BY set_name) AS share
FROM counts
GROUP BY set_name, token
HAVING token < 32 OR sum("count") > 0
ORDER BY set_name, token
