CREATE TABLE token_frequency AS
WITH counts AS (
    SELECT "set", generate_subscripts(token_counts, 1) - 1 AS token, unnest(token_counts) AS "count"
    FROM read_json(getvariable('manifests'), columns = {"set": 'VARCHAR', token_counts: 'BIGINT[]'})
)
SELECT
    "set",
    token::TINYINT AS token,
    sum("count") AS "count",
    sum("count") / sum(sum("count")) OVER (PARTITION BY "set") AS share
FROM counts
GROUP BY "set", token
ORDER BY "set", token
