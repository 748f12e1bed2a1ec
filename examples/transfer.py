"""Transfer to language: does pretraining on rollouts help a small language model?

Three arms per seed: no pretraining, pretraining on rollouts as text, and pretraining on the same text with its cells
shuffled. Then each learns Python, byte by byte, on the same batches of the standard library's source, with new
embeddings on the pretrained body, as in Lee et al. (2026, arXiv:2603.10055).

Run ``make demo`` once, then: ``.venv/bin/python examples/transfer.py [--longer 10]``. It takes some five minutes of a
core, and ten times as many steps half an hour on two.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import nca_assets as nca

ARMS = ("scratch", "rollouts", "shuffled")

SIDE, FRAMES = 8, 4
LENGTH = 1 + FRAMES * SIDE * (SIDE + 1)
"""Tokens of a text: four whole frames of 8 x 8 cells, and delimiters."""

COMPLEXITY = (0.2, 0.5)
"""Neither nearly still nor nearly noise; around the band that Lee et al. found best for code, 0.3 to 0.4."""

BATCH, EVALUATED = 4, 256


class Size(NamedTuple):
    """Optimizer steps on rollouts and on Python, model size, numbers of rules and of seeds, and peak learning rate."""

    on_rollouts: int
    on_python: int
    width: int
    layers: int
    rollouts: int
    seeds: int
    rate: float


QUANTILE = {2: 12.706, 5: 2.776}
"""Student's t for an interval of 95 % over so many pairs."""

FULL, SMALL = Size(250, 200, 96, 3, 40_000, 5, 2e-3), Size(4, 4, 16, 1, 4_000, 2, 2e-3)


class LanguageModel(nn.Module):
    """A causal transformer: a body, and an embedding and a head that belong to one vocabulary."""

    def __init__(self, size: Size, vocabulary: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            size.width, 4, 4 * size.width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        norm = nn.LayerNorm(size.width)
        self.places = nn.Parameter(0.02 * torch.randn(LENGTH - 1, size.width))
        self.body = nn.TransformerEncoder(layer, size.layers, norm, enable_nested_tensor=False)
        self.speak(vocabulary)

    def speak(self, vocabulary: int) -> None:
        """Start on another vocabulary with the same body."""
        self.embed = nn.Embedding(vocabulary, self.places.shape[1])
        self.head = nn.Linear(self.places.shape[1], vocabulary)
        nn.init.normal_(self.embed.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, length, vocabulary) of each next token."""
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        return self.head(self.body(self.embed(tokens) + self.places, mask=mask, is_causal=True))

    def losses(self, texts: Tensor) -> Tensor:
        """-ln p of each token but the first, in nats: (batch, length - 1)."""
        return functional.cross_entropy(self(texts[:, :-1]).transpose(1, 2), texts[:, 1:], reduction="none")


def train(model: LanguageModel, batches: Iterator[Tensor], steps: int, rate: float) -> None:
    """Optimize on so many batches, with a learning rate that rises to ``rate`` and falls again."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    for texts in islice(batches, steps):
        loss = model.losses(texts).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


@torch.inference_mode()
def evaluate(model: LanguageModel, texts: Tensor) -> Tensor:
    """The losses of ``texts``, a batch at a time."""
    return torch.cat([model.losses(batch) for batch in texts.split(32)])


def batches(texts: nca.Sequences, size: int) -> Iterator[Tensor]:
    """The endless stream in batches, int64 (batch, length)."""
    stream = iter(texts)
    while True:
        yield torch.from_numpy(np.stack(list(islice(stream, size))).astype(np.int64))


def small_rollouts(data: nca.Dataset, number: int) -> nca.RolloutSource:
    """Those on grids of 8 x 8 cells, of the first ``number`` of a set."""
    source = data.recipes("set3", range(number))
    return source.take(np.flatnonzero((source.places[:, 4:] == SIDE).all(axis=1)))


def python_source(held_out: bool) -> Tensor:
    """The bytes of every tenth module of the standard library, or of the others, one after another: int64."""
    files = sorted(Path(os.__file__).parent.rglob("*.py"))
    files = [file for file in files if not {"site-packages", "test", "tests"} & {*file.parts}]
    chosen = b"".join(file.read_bytes() for at, file in enumerate(files) if (at % 10 == 0) == held_out)
    return torch.from_numpy(np.frombuffer(chosen, dtype=np.uint8).astype(np.int64))


def windows(text: Tensor, number: int, seed: int) -> Iterator[Tensor]:
    """Endless batches of windows at random places: int64 (number, length)."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        starts = torch.randint(len(text) - LENGTH, (number, 1), generator=generator)
        yield text[starts + torch.arange(LENGTH)]


def pretrain(model: LanguageModel, rollouts: nca.RolloutSource, shuffled: bool, seed: int, size: Size) -> list[float]:
    """Train on texts of rollouts; returns the mean loss of a cell in each frame of rules that were not trained on."""
    texts = partial(nca.Sequences, rollouts, "cell", LENGTH, 4, COMPLEXITY, shuffled=shuffled, seed=seed)
    train(model, batches(texts(split="train"), BATCH), size.on_rollouts, size.rate)
    unseen = next(batches(texts(split="test"), EVALUATED))
    is_cell = (unseen[:, 1:] < texts().alphabet.row).reshape(EVALUATED, FRAMES, -1)
    losses = evaluate(model, unseen).reshape(EVALUATED, FRAMES, -1)
    return [losses[:, frame][is_cell[:, frame]].mean().item() for frame in range(FRAMES)]


def run(arm: str, seed: int, size: Size) -> tuple[float, list[float]]:
    """Losses in nats: per byte of held-out Python, and per cell of each frame in pretraining, if any."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rollouts = small_rollouts(nca.open(), size.rollouts)
    model = LanguageModel(size, nca.Sequences(rollouts, "cell", LENGTH).alphabet.size)
    by_frame = [] if arm == "scratch" else pretrain(model, rollouts, arm == "shuffled", seed, size)
    torch.manual_seed(seed)  # so that the arms of a seed differ in nothing but their bodies
    model.speak(256)
    train(model, windows(python_source(held_out=False), BATCH, seed), size.on_python, size.rate)
    loss = evaluate(model, next(windows(python_source(held_out=True), EVALUATED, 0))).mean().item()
    print(f"seed {seed}, {arm}: {loss:.4f} nats per byte; by frame {by_frame}", flush=True)
    return loss, by_frame


def interval(values: np.ndarray) -> str:
    """The mean over seeds, with a 95 % interval."""
    error = QUANTILE[len(values)] * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():+.4f} ± {error:.4f}"


def main() -> None:
    """Run all seeds, and compare the arms seed by seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="a few steps, for a test")
    parser.add_argument("--longer", type=int, default=1, help="so many times the steps")
    parser.add_argument("--rate", type=float, default=FULL.rate, help="peak learning rate")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    size = SMALL if arguments.small else FULL
    steps = (size.on_rollouts * arguments.longer, size.on_python * arguments.longer)
    size = size._replace(on_rollouts=steps[0], on_python=steps[1], rate=arguments.rate)
    with ProcessPoolExecutor(arguments.processes, get_context("spawn")) as pool:
        futures = {(arm, seed): pool.submit(run, arm, seed, size) for seed in range(size.seeds) for arm in ARMS}
    runs = {arm: [futures[arm, seed].result() for seed in range(size.seeds)] for arm in ARMS}
    losses = {arm: np.array([loss for loss, _ in runs[arm]]) for arm in ARMS}
    for arm in ARMS:
        print(f"{arm}: {losses[arm].mean():.4f} nats per byte of Python")
    for arm, other in (("rollouts", "scratch"), ("rollouts", "shuffled"), ("shuffled", "scratch")):
        print(f"{arm} - {other}: {interval(losses[arm] - losses[other])}")
    for arm in ARMS[1:]:
        frames = np.array([by_frame for _, by_frame in runs[arm]])
        print(f"{arm}, nats per cell by frame: {', '.join(f'{loss:.3f}' for loss in frames.mean(axis=0))}")
        print(f"{arm}, last frame - second: {interval(frames[:, -1] - frames[:, 1])}")


if __name__ == "__main__":
    main()
