"""SQL text: literals, the condition for native sets, and sampling of a query's rollouts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nca_assets.errors import NcaError
from nca_assets.ids import OWN_NAME

OWN_SETS = f"regexp_full_match(set_name, '{OWN_NAME}')"
"""The condition that a row belongs to a native set; no imported set can have such a name."""


def literal(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Sampling:
    """A sampling of a query's rollouts.

    ``each``: this many per value of ``by``, a column of ``labels`` (balanced). ``total``: this many overall, in the
    proportions of ``by`` (stratified). The choice depends only on ``seed`` and the rollout's id.
    """

    by: str = "behavior"
    each: int | None = None
    total: int | None = None
    seed: int = 0

    def __str__(self) -> str:
        if self.each is not None:
            return f"{self.each} of each {self.by}, seed {self.seed}"
        if self.total is not None:
            return f"{self.total} in proportion by {self.by}, seed {self.seed}"
        return "all"

    @classmethod
    def parse(cls, text: str) -> Sampling:
        """The inverse of ``str``."""
        if match := re.fullmatch(r"(\d+) of each (\w+), seed (\d+)", text):
            return cls(by=match[2], each=int(match[1]), seed=int(match[3]))
        if match := re.fullmatch(r"(\d+) in proportion by (\w+), seed (\d+)", text):
            return cls(by=match[2], total=int(match[1]), seed=int(match[3]))
        return cls()

    def query(self) -> str:
        """The SQL that samples ``answer``: columns ``rollout_id`` and ``digest``.

        Raises ``NcaError`` unless ``by`` is a plain name, to prevent injection.
        """
        if not re.fullmatch(r"\w+", self.by):
            raise NcaError(f"can't sample by {self.by!r}: use a column of labels")
        ranked = f"""
            WITH named AS (
                SELECT rollout_id, digest, "{self.by}" AS stratum
                FROM labels
                WHERE rollout_id IN (SELECT rollout_id FROM answer)
            ),
            ranked AS (
                SELECT
                    *,
                    row_number() OVER (PARTITION BY stratum ORDER BY md5(rollout_id || ' ' || {self.seed})) AS place,
                    count(*) OVER (PARTITION BY stratum) AS of_stratum
                FROM named
            )
            SELECT rollout_id, digest FROM ranked
        """  # noqa: S608
        if self.each is not None:
            return f"{ranked} WHERE place <= {self.each}"
        if self.total is not None:
            # The k-th of a stratum's n rollouts ranks at (k - 1/2) / n, so any prefix is in proportion.
            return f"{ranked} ORDER BY (place - 0.5) / of_stratum, md5(rollout_id) LIMIT {self.total}"
        return ranked
