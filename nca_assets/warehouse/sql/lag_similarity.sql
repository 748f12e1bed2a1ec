SELECT
    rollout_id,
    set_name,
    behavior,
    split_part(name, '_', 2)::SMALLINT AS "start",
    split_part(name, '_', 3)::SMALLINT AS lag,
    similarity
FROM labels
UNPIVOT (similarity FOR name IN (COLUMNS('similarity_\d+_\d+')))
