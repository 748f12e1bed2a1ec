CREATE OR REPLACE VIEW rollouts AS
SELECT
    rollout_id, set_name, rollout_index, shard, height, width, frames,
    recipe_version, regime, gain_in, gain_out, residual_scale, leak, noise, digest
FROM labels
