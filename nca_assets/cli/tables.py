"""Text tables on a terminal: values are never cut, and control characters in them are escaped.

If a table is too wide for the terminal, its headings break at underscores; if it still is, it is transposed, with some
rows side by side, and values that are wider than the terminal go on in the next line.
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from rich.cells import cell_len, chop_cells

from nca_assets.text import counted

GAP = "  "
MAX_ROWS = 200
MAX_TRANSPOSED = 10
"""Rows of a transposed table, which takes a line per column."""

DIGITS = 4
"""Significant digits of a decimal number."""

SIMILAR = 1000
"""Numbers of a column are of similar size if no nonzero one is this many times another."""

MIN_WRAPPED = 20
"""Values of a transposed table are not wrapped into fewer characters."""

MANY = 1e15
"""Larger numbers are shown with an exponent."""

Texts = Sequence[Sequence[str]]


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print the first rows (200, or 10 if too wide for the terminal), and a note if there are more."""
    # A log or a pipe has no width, and wrapping there only hurts.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines, shown = laid_out(columns, rows, width)
    print("\n".join(lines))
    if not rows:
        print("(no rows)")
    elif shown < len(rows):
        print(f"(first {counted(shown, 'row')} only; 'nca sql' with --csv, --json or --parquet gives all)")


def laid_out(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None) -> tuple[list[str], int]:
    """The lines of a table, at most ``width`` characters wide if its values allow, and the number of rows shown."""
    shown = rows[:MAX_ROWS]
    names = [printable(name) for name in columns]
    numeric = [all(_is_number(row[at]) or row[at] is None for row in shown) for at in range(len(columns))]
    texts = list(zip(*(column(values) for values in zip(*shown, strict=True)), strict=True))
    for headings in ([[name] for name in names], [name.replace("_", "_\n").split("\n") for name in names]):
        lines = _upright(headings, texts, numeric)
        if width is None or max(map(cell_len, lines)) <= width:
            return lines, len(shown)
    if not rows:
        return names, 0
    return list(_transposed(names, shown[:MAX_TRANSPOSED], width or 0)), len(shown[:MAX_TRANSPOSED])


def column(values: Sequence[object]) -> list[str]:
    """The values of a column as displayed: like ``cell``, but decimal numbers of similar size have the same number of
    decimals, that of the largest."""
    sizes = [abs(value) for value in values if isinstance(value, float) and math.isfinite(value) and value]
    if not sizes or max(sizes) > min(SIMILAR * min(sizes), MANY):
        return [cell(value) for value in values]
    most = _places(max(sizes))
    places = next(p for p in range(most + 1) if all(round(size, p) == round(size, most) for size in sizes))
    return [
        f"{value:,.{places}f}" if isinstance(value, float) and math.isfinite(value) else cell(value) for value in values
    ]


def cell(value: object) -> str:
    """``value`` as displayed; text is unchanged except for control and invisible characters, which are escaped."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if _is_number(value) else printable(str(value))


def number(value: float) -> str:
    """``value`` with four significant digits, but at least one decimal unless it is whole."""
    if not 1 <= abs(value) < MANY:
        return f"{value:.{DIGITS}g}"
    return f"{value:,.{_places(value)}f}".rstrip("0").rstrip(".")


def _places(value: float) -> int:
    """The decimals of ``value``: four below 1, one from 100 on."""
    return max(DIGITS - len(str(int(abs(value)))) * (abs(value) >= 1), 1)


def printable(text: str) -> str:
    """``text`` with non-printable characters escaped, like ``\\n``."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _upright(headings: Texts, texts: Texts, numeric: Sequence[bool]) -> list[str]:
    height = max(map(len, headings), default=0)
    raised = [[*[""] * (height - len(heading)), *heading] for heading in headings]
    table = [list(line) for line in zip(*raised, strict=True)] + [list(row) for row in texts]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    lines = [
        GAP.join(_padded(text, width, right) for text, width, right in zip(row, widths, numeric, strict=True)).rstrip()
        for row in table
    ]
    return [*lines[:height], GAP.join("─" * width for width in widths), *lines[height:]]


def _transposed(names: Sequence[str], rows: Sequence[Sequence[Any]], width: int) -> Iterator[str]:
    records = [_record(row) for row in rows]
    left = max(map(cell_len, names))
    while records:
        fitting = 1
        while fitting < len(records) and left + sum(len(GAP) + _width(r) for r in records[: fitting + 1]) <= width:
            fitting += 1
        block, records = records[:fitting], records[fitting:]
        for name, *values in zip(names, *block, strict=True):
            padded = [_padded(value, _width(record), False) for value, record in zip(values, block, strict=True)]
            yield from _wrapped(_padded(name, left, False), GAP.join(padded).rstrip(), width - left - len(GAP))
        if records:
            yield ""


def _wrapped(name: str, value: str, room: int) -> Iterator[str]:
    """A name beside its value, which takes several lines of about the same length if it is wider than ``room``."""
    lines = -(-cell_len(value) // max(room, MIN_WRAPPED))
    first, *others = chop_cells(value, -(-cell_len(value) // lines)) if lines > 1 else [value]
    yield f"{name}{GAP}{first}".rstrip()
    for text in others:
        yield " " * cell_len(name) + GAP + text


def _record(values: Sequence[Any]) -> list[str]:
    """The values of a row, with numbers right-aligned."""
    texts = [cell(value) for value in values]
    numbers = [cell_len(text) for text, value in zip(texts, values, strict=True) if _is_number(value)]
    return [
        _padded(text, max(numbers), True) if _is_number(value) else text
        for text, value in zip(texts, values, strict=True)
    ]


def _width(texts: Sequence[str]) -> int:
    return max(map(cell_len, texts))


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
