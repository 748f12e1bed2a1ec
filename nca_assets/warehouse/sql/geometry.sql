SELECT
    set_name,
    height,
    width,
    height::INTEGER * width AS cells,
    greatest(height, width) / least(height, width) AS aspect,
    count(*) AS rollouts,
    sum(height::BIGINT * width * frames)::BIGINT AS tokens
FROM labels
GROUP BY set_name, height, width
