"""Frame transitions for a sequence or world model: the original dataset's ``sample_usage.py``, with shuffling.

Run ``make demo`` once, then: ``.venv/bin/python examples/sample_usage.py``
"""

import nca_assets as nca

source = nca.open().rollouts("by_rollout = 'train' AND behavior <> 'static'").balanced()
stream = source.transitions(batch_size=64, seed=0)
for number, batch in enumerate(stream.loader(), start=1):
    frame, following = batch.tokens[:, 0], batch.tokens[:, 1]  # uint8 (64, height, width), tokens 0 to 31
    if number % 10 == 1:
        print(
            f"batch {number} of {len(stream)}: {tuple(frame.shape)}, {(frame != following).float().mean():.3f} change"
        )
