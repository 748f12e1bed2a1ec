"""Whether the labels of learnability say what a small network finds: rank correlations over rollouts.

Each rollout trains two networks of its own on the first three of every four spans of 25 frames; the rest is held out.
One sees the last two frames through a 3x3 convolution, the other only the cell's last token, like the student ``past``.

Run: ``python benchmarks/learnability.py [--quick]``
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from report import Metric, report
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from nca_assets.automaton.engine import choose_machine, simulate_each
from nca_assets.automaton.fixed_point import TOKENS
from nca_assets.automaton.population import Population
from nca_assets.automaton.recipe import draw_rule
from nca_assets.automaton.shape import SHAPE_BLOCK
from nca_assets.labels.metrics import Value, measure
from nca_assets.labels.names import TIERS
from nca_assets.labels.students import SAMPLE
from nca_assets.settings import Resources, load
from nca_assets.vocabulary.learn import learn_centroids

FRAMES = 500
SPAN = 25

FIRST = 100
"""The students were chosen with a view to the rollouts of the blocks before."""

STEPS, LAST_STEPS = 300, 40
CELLS = 2048
"""Approximate cells per step: the network sees 600,000 in all, the students 32,768."""

NAT = 1 / np.log(2)
"""In bits."""

MEANINGS = {
    "noise_rank_correlation": "of noise_bits with the network's loss on held-out frames",
    "past_rank_correlation": "of conditional_entropy with the same",
    "compression_rank_correlation": "of compression_ratio with the same",
    "area_rank_correlation": "of epiplexity with the area between the network's loss curve and its end",
    "steps_rank_correlation": "of epiplexity with the steps until the network is within 0.1 bit of its end",
    "noise_area_rank_correlation": "of noise_bits with that area",
    "noise_steps_rank_correlation": "of noise_bits with those steps",
    "around_rank_correlation": "of conditional_entropy - noise_bits with what neighbors and history add for networks",
}


@dataclass(frozen=True)
class Curve:
    """A network's loss in each step, before it learns from it (steps,), and on held-out frames, in bits per cell."""

    losses: NDArray[np.float64]
    held_out: float

    @property
    def end(self) -> float:
        """The loss of the last steps."""
        return float(self.losses[-LAST_STEPS:].mean())

    @property
    def area(self) -> float:
        """Bits per cell above the end, mean over the steps."""
        return float(self.losses.mean()) - self.end

    @property
    def steps(self) -> int:
        """Until the loss, over 20 steps, is first within 0.1 bit of the end."""
        smooth = np.convolve(self.losses, np.full(20, 1 / 20), mode="valid")
        return int((smooth <= self.end + 0.1).argmax())


class Network(nn.Module):
    """A convolution over the last two frames, of ``side`` cells square, and two layers for each cell."""

    def __init__(self, side: int, width: int = 32, size: int = 12) -> None:
        super().__init__()
        self.border = side // 2
        self.enter = nn.ModuleList(nn.Embedding(TOKENS, size) for _ in range(2))
        self.around = nn.Conv2d(2 * size, width, side)
        self.hidden, self.leave = nn.Conv2d(width, width, 1), nn.Conv2d(width, TOKENS, 1)

    def forward(self, last: Tensor, before: Tensor) -> Tensor:
        """Logits (batch, 32, height, width) from tokens (batch, height, width)."""
        seen = torch.cat([enter(frame) for enter, frame in zip(self.enter, (last, before), strict=True)], dim=-1)
        padded = functional.pad(seen.permute(0, 3, 1, 2), (self.border,) * 4, mode="circular")
        return self.leave(functional.relu(self.hidden(functional.relu(self.around(padded)))))


def train(movie: NDArray[np.uint8], *, around: bool, seed: int = 0) -> Curve:
    """Train a network on a rollout; without ``around``, it sees the cell's last token alone."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    times = np.arange(2, len(movie))
    held = times // SPAN % 4 == 3
    frames, several = torch.from_numpy(movie).long(), max(1, CELLS // movie[0].size)
    network = Network(3 if around else 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, 2 * (1 - step / STEPS)))

    def loss(at: NDArray[np.int64]) -> Tensor:
        last, before = frames[at - 1], frames[at - (2 if around else 1)]
        return functional.cross_entropy(network(last, before), frames[at])

    losses = []
    for _ in range(STEPS):
        cost = loss(random.choice(times[~held], several))
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        schedule.step()
        losses.append(cost.item() * NAT)
    with torch.inference_mode():
        unseen = times[held]
        held_out = loss(unseen[:: max(1, unseen.size * movie[0].size // SAMPLE)]).item() * NAT
    return Curve(np.array(losses), held_out)


def spearman(pairs: NDArray[np.float64]) -> float:
    """The rank correlation of pairs (2, n)."""
    return float(pl.DataFrame({"x": pairs[0], "y": pairs[1]}).select(pl.corr("x", "y", method="spearman")).item())


def rank_correlation(pairs: NDArray[np.float64], resamples: int = 2000) -> tuple[float, float, float]:
    """Spearman's, and the bounds of its 95 % interval from a bootstrap over the pairs (2, n)."""
    random, count = np.random.default_rng(0), pairs.shape[1]
    drawn = [spearman(pairs[:, random.integers(0, count, count)]) for _ in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return spearman(pairs), float(low), float(high)


def by_tier(labels: list[dict[str, Value]], curves: list[Curve]) -> None:
    """Print what the networks found in each tier."""
    table = Table(
        "difficulty", "rollouts", "loss", "area", "steps", title="medians of the network", box=box.SIMPLE_HEAD
    )
    for tier in TIERS:
        found = [curve for label, curve in zip(labels, curves, strict=True) if label["difficulty"] == tier]
        if found:
            middle = np.median([(curve.held_out, curve.area, curve.steps) for curve in found], axis=0)
            table.add_row(tier, str(len(found)), f"{middle[0]:.2f}", f"{middle[1]:.3f}", f"{middle[2]:.0f}")
    Console(width=140).print(table)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rollouts; under 50 s on two cores")
    count = 10 if parser.parse_args().quick else 100
    torch.set_num_threads(1)
    machine = choose_machine(load(Resources).model_copy(update={"device": "cpu"}))
    # One from each of as many blocks.
    rules = [draw_rule(Population(seed=1), index=block * SHAPE_BLOCK) for block in range(FIRST, FIRST + count)]
    movies = list(simulate_each(rules, learn_centroids(), FRAMES, machine, lambda _, tokens: tokens.copy()))
    labels = [measure(movie)[0] for movie in movies]
    curves = [train(movie, around=True) for movie in tqdm(movies)]
    past = [train(movie, around=False).held_out for movie in tqdm(movies)]

    def column(name: str) -> NDArray[np.float64]:
        return np.array([label[name] for label in labels], dtype=np.float64)

    held_out = np.array([curve.held_out for curve in curves])
    pairs = {
        "noise_rank_correlation": (column("noise_bits"), held_out),
        "past_rank_correlation": (column("conditional_entropy"), held_out),
        "compression_rank_correlation": (column("compression_ratio"), held_out),
        "area_rank_correlation": (column("epiplexity"), np.array([curve.area for curve in curves])),
        "noise_area_rank_correlation": (column("noise_bits"), np.array([curve.area for curve in curves])),
        "steps_rank_correlation": (column("epiplexity"), np.array([curve.steps for curve in curves])),
        "noise_steps_rank_correlation": (column("noise_bits"), np.array([curve.steps for curve in curves])),
        "around_rank_correlation": (column("conditional_entropy") - column("noise_bits"), np.array(past) - held_out),
    }
    by_tier(labels, curves)
    metrics = []
    for name, (x, y) in pairs.items():
        value, low, high = rank_correlation(np.stack([x, y]))
        metrics.append(Metric("learnability", name, value, f"{low:.2f} to {high:.2f}"))
    report(metrics, MEANINGS)


if __name__ == "__main__":
    main()
