"""What there is to know of a table of the warehouse; ``catalog`` lists them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nca_assets.labels.schema import Column


@dataclass(frozen=True)
class Table:
    """A table or view, its columns, and what it is made from: other tables, or files by the name of their variable.

    One that ``follows`` has the digest of its SQL and its sources, where reading all its rows would take too long, or
    would say the same.
    """

    name: str
    description: str
    sources: tuple[str, ...]
    columns: tuple[Column, ...]
    kind: str = "TABLE"
    follows: bool = False

    @property
    def sql(self) -> str:
        """The statement that makes it."""
        return Path(__file__).with_name(f"{self.name}.sql").read_text()

    @property
    def version(self) -> str:
        """Changes whenever the SQL or the columns do."""
        return hashlib.sha256(f"{self.sql}{self.columns}".encode()).hexdigest()[:12]
