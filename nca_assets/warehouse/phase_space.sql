CREATE OR REPLACE VIEW phase_space AS
SELECT
    rollout_id, set_name, behavior, family, height::INTEGER * width AS cells,
    mean_change AS volatility, token_entropy, block_entropy, conditional_entropy, compression_ratio, damage
FROM labels
