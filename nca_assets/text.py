"""Numbers, counts and tables as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def number(value: float) -> str:
    """``value`` without decimals from 1,000 on, else with four significant digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def cell(value: object) -> str:
    """A value as text for a table: None is empty, and numbers are formatted by ``number``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else str(value)


def markdown_table(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown; values are not escaped."""
    heading, *lines = (f"| {' | '.join(map(str, line))} |" for line in (columns, *rows))
    return "\n".join([heading, "|---" * len(columns) + "|", *lines])


def counted(number: int, noun: str) -> str:
    """A count with its noun, like ``1 row`` or ``2,000 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
