"""The explorer's engine in Python: its WebAssembly in wasmtime, as the page's ``engine.js`` uses it."""

from typing import Any

import numpy as np
import torch
import wasmtime

from nca_assets.automaton.fixed_point import STATE_ONE
from nca_assets.automaton.flip import Flip
from nca_assets.automaton.population import FAMILY_SHARES, Population
from nca_assets.explorer.page import ENGINE

STARTS = ("noise", "patches", "sparse", "seeds", "ground")


class Engine:
    """One instance: ``draw`` a rule, then take its ``frames``."""

    def __init__(self, centroids: torch.Tensor) -> None:
        self.store = wasmtime.Store()
        module = wasmtime.Module(self.store.engine, ENGINE.read_bytes())
        self.exports = wasmtime.Instance(self.store, module, []).exports(self.store)
        self._put("get_centroids", (centroids.numpy() * STATE_ONE).astype("<i2"))

    def call(self, name: str, *arguments: int) -> Any:
        return self.exports[name](self.store, *(_signed(argument) for argument in arguments))  # type: ignore[operator]

    def draw(self, population: Population, index: int) -> dict[str, Any]:
        """What was drawn, by the names of ``Scalars`` and ``Start``."""
        families = dict(population.families)
        shares = [families.get(name, 0) for name, _ in FAMILY_SHARES]
        self._put(
            "get_population",
            np.array([population.seed, population.smallest_side, population.largest_side, *shares], "<u4"),
        )
        self.call("draw", index)
        self.index = index
        names = (
            "height", "width", "family", "residual_shift", "leak", "noise_shift", "kind", "patch", "density", "seeds",
            "marks", "words",
        )  # fmt: skip
        drawn: dict[str, Any] = dict(zip(names, self._get("get_drawn", 12, "<i4").tolist(), strict=True))
        self.shape = drawn["height"], drawn["width"]
        return drawn | {"family": FAMILY_SHARES[drawn["family"]][0], "kind": STARTS[drawn["kind"]]}

    def weights(self) -> np.ndarray:
        """Weights in, biases in, weights out, biases out: int16."""
        return self._get("get_rule", 2 * (2304 + 16), "<i2")

    def frames(
        self,
        frames: int,
        start: int | None = None,
        noise: int | None = None,
        noisy: bool = True,
        flip: Flip | None = None,
    ) -> np.ndarray:
        """Tokens (frames, height, width), with the random numbers of other rollouts if named, and their digest."""
        self.call("begin", self.index if start is None else start, self.index if noise is None else noise, noisy)
        self.call("digest_begin", frames)
        tokens = np.empty((frames, *self.shape), dtype=np.uint8)
        for frame in range(frames):
            if frame:
                self.call("advance")
            if flip and frame == flip.frame:
                self.call("flip", flip.y, flip.x)
            self.call("digest_add")
            tokens[frame] = self._get("get_tokens", tokens[frame].size, "u1").reshape(self.shape)
        sums = np.frombuffer(self._read(self.call("digest_end"), 32), "<u4")
        self.digest = "".join(f"{part:08x}" for part in sums.tolist())
        return tokens

    def _read(self, address: int, size: int) -> bytes:
        return bytes(self.exports["memory"].read(self.store, address, address + size))  # type: ignore[union-attr]

    def _get(self, name: str, count: int, dtype: str) -> np.ndarray:
        return np.frombuffer(self._read(self.call(name), count * np.dtype(dtype).itemsize), dtype)

    def _put(self, name: str, values: np.ndarray) -> None:
        self.exports["memory"].write(self.store, values.tobytes(), self.call(name))  # type: ignore[union-attr]


def _signed(word: int) -> int:
    """WebAssembly's integers have no sign, wasmtime's arguments do."""
    return int(word) - 2**32 if word >= 2**31 else int(word)
