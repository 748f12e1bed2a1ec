SELECT
    rollout_id, set_name, behavior, family, height::INTEGER * width AS cells,
    late_change AS volatility, tail_entropy, token_entropy, block_entropy, conditional_entropy, compression_ratio, damage
FROM labels
