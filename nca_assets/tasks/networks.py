"""Trained models: a small convolutional network and a small transformer, on toroidal grids of any size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.loading.source import RolloutSource
from nca_assets.progress import Progress, unwatched
from nca_assets.tasks.long_horizon import Predict
from nca_assets.tasks.scores import UNIGRAM_PRIOR

CONTEXT = 4
SEED = 0
BATCH = 8

FEWEST_STEPS, MOST_STEPS = 200, 20_000


class Shortcuts(nn.Module):
    """Baseline logits (batch, 32, height, width) from the context's token frequencies and its last frame, so that
    networks need not learn to count."""

    def __init__(self) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.tensor(1.0))
        self.last = nn.Parameter(torch.tensor(1.0))

    def forward(self, one_hot: Tensor) -> Tensor:
        """``one_hot`` is float32 (batch, context, 32, height, width)."""
        counts = one_hot.sum(dim=(1, 3, 4)) + UNIGRAM_PRIOR
        frequencies = counts / counts.sum(dim=1, keepdim=True)
        return self.frequency * frequencies.log()[:, :, None, None] + self.last * one_hot[:, -1]


class ConvNet(nn.Module):
    """Residual 3x3 convolutions, dilated 1 to 4, with circular padding: the receptive field is 19 cells."""

    def __init__(self, width: int = 48, dilations: tuple[int, ...] = (1, 2, 4, 2), context: int = CONTEXT) -> None:
        super().__init__()
        self.shortcuts = Shortcuts()
        self.enter = nn.Conv2d(context * TOKENS, width, 1)
        self.dilations = dilations
        self.blocks = nn.ModuleList(nn.Conv2d(width, width, 3, dilation=dilation) for dilation in dilations)
        self.leave = nn.Conv2d(width, TOKENS, 1)

    def forward(self, context: Tensor) -> Tensor:
        """Logits (batch, 32, height, width) for a context, int64 (batch, context, height, width)."""
        one_hot = _one_hot(context)
        hidden = self.enter(one_hot.flatten(1, 2))
        for block, dilation in zip(self.blocks, self.dilations, strict=True):
            around = functional.pad(functional.gelu(hidden), (dilation,) * 4, mode="circular")
            hidden = hidden + block(around)
        return self.leave(functional.gelu(hidden)) + self.shortcuts(one_hot)


class Transformer(nn.Module):
    """Self-attention over all cells, with sines and cosines of their positions on the torus."""

    def __init__(self, width: int = 48, layers: int = 2, heads: int = 4, waves: int = 4) -> None:
        super().__init__()
        self.shortcuts = Shortcuts()
        self.waves = waves
        self.enter = nn.Linear(CONTEXT * TOKENS + 4 * waves, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.leave = nn.Linear(width, TOKENS)

    def forward(self, context: Tensor) -> Tensor:
        """Logits (batch, 32, height, width) for a context, int64 (batch, 4, height, width)."""
        one_hot = _one_hot(context)
        batch, _, _, height, width = one_hot.shape
        places = self._places(height, width, one_hot).expand(batch, -1, -1, -1)
        cells = torch.cat([one_hot.flatten(1, 2), places], dim=1).flatten(2).transpose(1, 2)
        logits = self.leave(self.layers(self.enter(cells)))
        return logits.transpose(1, 2).reshape(batch, TOKENS, height, width) + self.shortcuts(one_hot)

    def _places(self, height: int, width: int, like: Tensor) -> Tensor:
        """Sines and cosines of each cell's position: (1, 4 waves, height, width)."""
        features = []
        for length, view in ((height, (-1, 1)), (width, (1, -1))):
            angle = torch.arange(length, device=like.device) * (2 * math.pi / length)
            for wave in range(1, self.waves + 1):
                features += [(f(wave * angle)).view(view).expand(height, width) for f in (torch.sin, torch.cos)]
        return torch.stack(features)[None]


def train(
    build: Callable[[], nn.Module], source: RolloutSource, device: str, progress: Progress = unwatched
) -> Predict:
    """Train a model made by ``build`` on windows of ``source``; ``progress`` is called with the steps done.

    Takes two steps per rollout, ``FEWEST_STEPS`` to ``MOST_STEPS`` in total, always with the same seed.
    """
    torch.manual_seed(SEED)
    model = build().to(device)
    steps = min(max(2 * len(source), FEWEST_STEPS), MOST_STEPS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step, windows in enumerate(islice(_windows(source), steps), start=1):
        frames = windows.to(device, torch.int64)
        loss = functional.cross_entropy(model(frames[:, :CONTEXT]), frames[:, CONTEXT])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress(step, steps)

    def predict(context: NDArray[np.uint8]) -> Tensor:
        with torch.inference_mode():
            return model(torch.from_numpy(context).to(device, torch.int64)).softmax(dim=1)

    return predict


def _windows(source: RolloutSource) -> Iterator[Tensor]:
    """Windows with any start, epoch after epoch."""
    stream = replace(source.long_horizon(BATCH, seed=SEED), blocks_open=8)
    for epoch in count():
        yield from (batch.tokens for batch in stream.at(epoch))


def _one_hot(context: Tensor) -> Tensor:
    return functional.one_hot(context, TOKENS).movedim(-1, 2).float()
