"""How a benchmark reports: a table for people, then one JSON object a metric."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Metric:
    """One measured number."""

    benchmark: str
    metric: str
    value: float
    unit: str


def report(metrics: list[Metric], meanings: dict[str, str]) -> None:
    """Print ``metrics``, each with what it means."""
    table = Table("metric", "value", "unit", "meaning", title=metrics[0].benchmark, box=box.SIMPLE_HEAD)
    for metric in metrics:
        table.add_row(metric.metric, f"{metric.value:,.3g}", metric.unit, meanings[metric.metric])
    Console(width=140).print(table)
    for metric in metrics:
        print(json.dumps(asdict(metric)))


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The shortest of some runs of ``work``: the one that the machine's other work disturbed least."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
