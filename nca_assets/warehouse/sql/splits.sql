WITH tenths AS (
    SELECT *, ('0x' || left(md5(rollout_id), 8))::UBIGINT % 10 AS tenth
    FROM labels
),
split AS (
    SELECT *, CASE tenth WHEN 8 THEN 'validation' WHEN 9 THEN 'test' ELSE 'train' END AS by_rollout
    FROM tenths
)
SELECT
    rollout_id,
    set_name,
    by_rollout,
    CASE WHEN greatest(height, width) <= 24 THEN 'train' WHEN greatest(height, width) <= 32 THEN 'validation' ELSE 'test' END
        AS by_size,
    if(behavior IN ('rhythmic', 'streaming', 'translating'), 'held_out', by_rollout) AS by_class,
    if(
        coalesce(family, '') IN ('domains', 'breathers', 'pulsing_gliders', 'excitable', 'lifelike'),
        'held_out',
        by_rollout
    ) AS by_family
FROM split
