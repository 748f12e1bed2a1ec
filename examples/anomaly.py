"""Anomaly detection by surprise: a model of normal dynamics is asked how likely it finds what it is shown.

It learns from all classes but rhythmic, streaming and translating, then tells tampered transitions from true ones,
and rollouts of the classes that it has never seen from others. 0.5 is guessing, 1 is certain.

Run ``make demo`` once, then: ``.venv/bin/python examples/anomaly.py [--steps 300]``
"""

import argparse

import torch
from next_frame import surprise, train
from sklearn.metrics import roc_auc_score

import nca_assets as nca


def tampered(frames: torch.Tensor) -> torch.Tensor:
    """The same pairs, with a quarter of the second frame's cells moved by half the grid."""
    changed = frames.clone()
    height, width = frames.shape[-2] // 2, frames.shape[-1] // 2
    changed[:, 1, :height, :width] = frames[:, 1, -height:, -width:]
    return changed


def pairs(condition: str, data: nca.Dataset) -> list[torch.Tensor]:
    """Some transitions of the rollouts that meet ``condition``."""
    return [batch.tokens for batch in data.rollouts(condition).transitions(every=40, shuffle=False)]


def auroc(normal: torch.Tensor, odd: torch.Tensor) -> float:
    """The chance that an odd one surprises more than a normal one."""
    truth = torch.cat([torch.zeros(len(normal)), torch.ones(len(odd))])
    return float(roc_auc_score(truth, torch.cat([normal, odd])))


def main() -> None:
    """Train on what is normal, and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=300)
    data = nca.open()
    model = train(data.rollouts("by_class = 'train'"), parser.parse_args().steps)
    known, unknown = pairs("by_class IN ('validation', 'test')", data), pairs("by_class = 'held_out'", data)
    normal = torch.cat([surprise(model, frames) for frames in known])
    moved = torch.cat([surprise(model, tampered(frames)) for frames in known])
    unseen = torch.cat([surprise(model, frames) for frames in unknown])
    print(f"tampered transitions: AUROC {auroc(normal, moved):.3f}")
    print(f"classes never seen: AUROC {auroc(normal, unseen):.3f}")


if __name__ == "__main__":
    main()
