-- Of parts of other releases, columns that they lack are null, and those that only they have are left out.
SELECT
    rollout_id, set_name, rollout_index, shard, height, width, frames, recipe_version, family, start, residual_scale,
    leak, noise, digest, label_version, behavior, period, dy, dx, speed, transient, mean_change, tail_change,
    early_change, late_change, change_48_112, change_renamed_48_112, frozen_share, domains, correlation_length,
    wavelength, wave_direction, ground_share, ground_still, objects, object_size, objects_in_place, object_speed,
    synchrony, traveling, streaming, token_entropy, tail_entropy, block_entropy, conditional_entropy, entropy_0,
    entropy_16, entropy_100, entropy_499, tokens_used, top_token, top_token_share, compression_ratio, student,
    noise_bits, learnable_bits, epiplexity, difficulty, rhythm_prominence, similarity_0_1, similarity_0_2,
    similarity_0_4, similarity_0_8, similarity_0_16, similarity_0_32, similarity_0_64, similarity_0_128,
    similarity_0_256, similarity_100_1, similarity_100_2, similarity_100_4, similarity_100_8, similarity_100_16,
    similarity_100_32, similarity_100_64, similarity_100_128, similarity_100_256, damage, damage_independent,
    damage_speed, saturation, clear_tokens
FROM read_parquet(getvariable('label_files'), hive_partitioning = false, union_by_name = true)
