"""Definition of a warehouse table; ``catalog`` lists them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nca_assets.labels.schema import Column

QUERIES = Path(__file__).with_name("sql")


@dataclass(frozen=True)
class Table:
    """A table, its columns, and its sources: other tables, or files by the name of their variable.

    If it ``follows``, its digest is that of its SQL and sources, because digesting its rows would be slow or redundant.
    """

    name: str
    description: str
    sources: tuple[str, ...]
    columns: tuple[Column, ...]
    follows: bool = False
    kind: str = "TABLE"

    @classmethod
    def of(cls, name: str, description: str, sources: tuple[str, ...], *columns: Column) -> Self:
        """The table with these columns."""
        return cls(name, description, sources, columns)

    @property
    def sql(self) -> str:
        """The statement that creates it."""
        query = (QUERIES / f"{self.name}.sql").read_text(encoding="utf-8")
        return f"CREATE OR REPLACE {self.kind} {self.name} AS\n{query}"

    @property
    def version(self) -> str:
        """Changes whenever the SQL or the columns do."""
        return hashlib.sha256(f"{self.sql}{self.columns}".encode()).hexdigest()[:12]


@dataclass(frozen=True)
class View(Table):
    """A view, which always follows from its sources."""

    follows: bool = True
    kind: str = "VIEW"
