"""Starts that several families share."""

from __future__ import annotations

from nca_assets.automaton.draws import Draws
from nca_assets.automaton.start import Start, draw_rectangles


def anywhere(draws: Draws, height: int, width: int) -> Start:
    """Noise in 5 cases of 8; patches, sparse cells or seeds on a ground in one each."""
    kind = draws.one_of(("noise",) * 10 + ("patches",) * 3 + ("sparse",) * 2 + ("seeds",))
    return start_of(kind, draws, height, width)


def start_of(kind: str, draws: Draws, height: int, width: int, **more: object) -> Start:
    """A start of ``kind``: noise, patches, sparse or seeds."""
    if kind == "noise":
        return Start(kind, **more)  # type: ignore
    if kind == "patches":
        return Start(kind, patch=draws.between(2, 6), **more)  # type: ignore
    if kind == "sparse":
        return Start(kind, density=draws.between(12, 102), **more)  # type: ignore
    count = draws.between(1, 2 + height * width // 120)
    return Start(kind, density=0, seeds=draw_rectangles(draws, count, height, width, 1, 4), **more)  # type: ignore
