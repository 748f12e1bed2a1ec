SELECT
    rollout_id, set_name, rollout_index, shard, height, width, frames,
    recipe_version, family, start, residual_scale, leak, noise, digest
FROM labels
