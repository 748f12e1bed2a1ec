FROM materializations
QUALIFY row_number() OVER (PARTITION BY asset, partition_key ORDER BY "time" DESC, run_id DESC) = 1
