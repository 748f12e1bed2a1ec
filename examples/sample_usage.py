"""Frame transitions for a sequence or world model: the original dataset's ``sample_usage.py``, with shuffling.

Run ``make demo`` once, then: ``.venv/bin/python examples/sample_usage.py``
"""

from torch.utils.data import DataLoader

from nca_assets.loading.source import RolloutSource
from nca_assets.loading.streams import transitions
from nca_assets.project import Project

data = Project.load().data
source = RolloutSource.where("by_rollout = 'train' AND behavior <> 'static'", data).balanced()
stream = transitions(source, batch_size=64, seed=0)
for number, batch in enumerate(DataLoader(stream, batch_size=None), start=1):
    frame, following = batch.tokens[:, 0], batch.tokens[:, 1]  # uint8 (64, height, width), tokens 0 to 31
    if number % 10 == 1:
        print(
            f"batch {number} of {len(stream)}: {tuple(frame.shape)}, {(frame != following).float().mean():.3f} change"
        )
