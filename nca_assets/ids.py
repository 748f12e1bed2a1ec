"""Names of sets, rollouts and shards. The paths of their files are in ``data_folder``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nca_assets.errors import NcaError

OWN_NAME = r"set[1-9][0-9]{0,3}"
"""Names of native sets, whose rollouts follow from recipes."""

IMPORTED_NAME = r"(?!set\d)[a-z][a-z0-9_]{0,39}"
"""Names of imported sets."""

VOCABULARY_SEED = 0
"""The seed of the rollouts that the centroids are learned from; no set may use it."""

FUTURES_SEED = 0x0AC1E
"""The seed of the noise in the futures that the floor is estimated from; no set may use it."""


def is_own(set_name: str) -> bool:
    """Whether a set is native rather than imported."""
    return re.fullmatch(OWN_NAME, set_name) is not None


def set_number(set_name: str) -> int:
    """4 for ``set4``."""
    return int(set_name.removeprefix("set"))


@dataclass(frozen=True, order=True)
class RolloutId:
    """One rollout of a set, written ``set1/000017``."""

    set: str
    index: int

    def __str__(self) -> str:
        return f"{self.set}/{self.index:06d}"

    @classmethod
    def parse(cls, text: str) -> RolloutId:
        """The rollout named by ``text``. Raises ``NcaError`` if it names none."""
        match = re.fullmatch(rf"({OWN_NAME}|{IMPORTED_NAME})/(\d{{1,10}})", text)
        if not match or int(match[2]) >= 2**32:
            raise NcaError(f"unknown rollout {text!r}: write a set and an index, like set1/000017")
        return cls(match[1], int(match[2]))


@dataclass(frozen=True, order=True)
class ShardKey:
    """A block of consecutive rollouts of a set; its text, ``set1-00000``, is the Dagster partition key."""

    set: str
    number: int

    def __str__(self) -> str:
        return f"{self.set}-{self.number:05d}"

    @classmethod
    def parse(cls, text: str) -> ShardKey:
        """The shard named by ``text``. Raises ``NcaError`` if it names none."""
        match = re.fullmatch(rf"({OWN_NAME}|{IMPORTED_NAME})-(\d{{5}})", text)
        if not match:
            raise NcaError(f"unknown shard {text!r}: write a set and a number, like set1-00000")
        return cls(match[1], int(match[2]))

    @property
    def next(self) -> ShardKey:
        """The next shard of its set."""
        return ShardKey(self.set, self.number + 1)

    @property
    def imported(self) -> bool:
        """Whether it belongs to an imported set."""
        return not is_own(self.set)

    @property
    def shards_asset(self) -> str:
        """The name of the asset that its tokens are a partition of."""
        return "imported_shards" if self.imported else "rollout_shards"

    @property
    def labels_asset(self) -> str:
        """The name of the asset that its labels are a partition of."""
        return "imported_labels" if self.imported else "behavior_labels"


def tokens_name(number: int) -> str:
    """The name of the file with the tokens of a native set's shard ``number``."""
    return f"shard_{number:05d}.npz"


def member_name(index: int) -> str:
    """The key of rollout ``index`` in its shard's ``.npz``."""
    return f"rollout_{index:06d}"
