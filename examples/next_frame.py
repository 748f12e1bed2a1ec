"""Next-frame pretraining: a small circular ConvNet learns to tell frame t + 1 from frame t, over all rules at once.

Run ``make demo`` once, then: ``.venv/bin/python examples/next_frame.py [--steps 300]``
"""

import argparse
import itertools

import torch
from torch.nn import functional

import nca_assets as nca
from nca_assets.tasks.networks import ConvNet


def train(source: nca.RolloutSource, steps: int) -> ConvNet:
    """A model of (batch, 1, height, width) tokens to logits (batch, 32, 1, height, width) of the next frame."""
    torch.manual_seed(0)
    model = ConvNet(context=1, width=32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    batches = source.transitions(batch_size=16).forever()
    for step, batch in enumerate(itertools.islice(batches, steps), start=1):
        frames = batch.tokens.long()
        loss = functional.cross_entropy(model(frames[:, :1]), frames[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0 or step == steps:
            print(f"step {step} of {steps}: {loss.item():.3f} nats per cell", flush=True)
    return model


@torch.inference_mode()
def surprise(model: ConvNet, frames: torch.Tensor) -> torch.Tensor:
    """Of each pair of frames, uint8 (batch, 2, height, width), the mean of -ln p over cells: (batch,), in nats."""
    frames = frames.long()
    return functional.cross_entropy(model(frames[:, :1]), frames[:, 1:], reduction="none").mean(dim=(1, 2, 3))


def main() -> None:
    """Train on the training split, and report on the test split."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=300)
    steps, data = parser.parse_args().steps, nca.open()
    model = train(data.rollouts("by_rollout = 'train'"), steps)
    held_out = data.rollouts("by_rollout = 'test'").transitions(batch_size=64, every=25, shuffle=False)
    costs = torch.cat([surprise(model, batch.tokens) for batch in held_out])
    print(f"test split: {costs.mean():.3f} nats per cell over {len(costs)} transitions (guessing: 3.466)")


if __name__ == "__main__":
    main()
