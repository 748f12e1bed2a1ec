SELECT rollout_id, set_name AS "set", rollout_index AS "index", * EXCLUDE (rollout_id, set_name, rollout_index)
FROM labels
