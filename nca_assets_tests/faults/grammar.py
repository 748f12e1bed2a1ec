"""Statements by a grammar over the warehouse's tables and all functions of DuckDB, right and wrong alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from nca_assets_tests.faults import forks
from nca_assets_tests.faults.world import World

AT_ONCE = 20
"""Statements of a fork."""

VALUES = (
    "1", "-1", "0", "NULL", "1e308", "'x'", "''", "'[/b]'", "'%s'", "NaN::DOUBLE", "[1, 2]", "{'a': 1}", "true",
    "DATE '2026-01-01'", "INTERVAL 1 DAY", "9223372036854775807", "repeat('y', 1000)", "'\\xff'::BLOB", "MAP {1: 2}",
)  # fmt: skip
COLUMNS = (
    "rollout_id",
    "behavior",
    "height",
    "frames",
    "token_entropy",
    "digest",
    "set_name",
    "damage",
    "*",
    "nothing",
)
TABLES = (
    "labels",
    "shards",
    "splits",
    "collections",
    "snapshot",
    "stale_partitions",
    "none",
    "range(9)",
    "duckdb_settings()",
)
STATEMENTS = (
    "{query}", "{query}", "{query}", "{query}", "EXPLAIN {query}", "DESCRIBE {query}", "CREATE TABLE x AS {query}",
    "INSERT INTO labels {query}", "COPY ({query}) TO 'x'", "DROP TABLE labels", "UPDATE labels SET height = {value}",
    "{query}; {query}", "PRAGMA {function}", "SET {function} = {value}", "ATTACH 'x'", "{function} {value}",
    "CALL {function}({value})", "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t WHERE x < 9) FROM t",
)  # fmt: skip
QUERIES = (
    "SELECT {value}", "SELECT {expression} FROM {table}", "SELECT {expression}, {value} FROM {table} LIMIT 2",
    "FROM {table} WHERE {expression}", "SELECT {expression} FROM {table} GROUP BY ALL HAVING {expression}",
    "FROM {table} ORDER BY {expression}", "({query}) UNION ALL ({query})", "FROM {function}({value}, {value})",
    "SELECT * FROM ({query}) JOIN {table} USING ({column})", "SELECT ({query})", "PIVOT {table} ON {column}",
    "SELECT {expression} OVER (PARTITION BY {column} ORDER BY {column}) FROM {table}", "FROM {table} TABLESAMPLE 3",
    "SUMMARIZE {table}",
)  # fmt: skip
EXPRESSIONS = (
    "{value}", "{column}", "{function}({expression})", "{function}({expression}, {expression})",
    "{column} IN ({query})", "{expression} + {expression}", "{expression} = {expression}",
    "CAST({expression} AS {type})", "({expression}).a", "CASE WHEN {expression} THEN {expression} END",
    "[{expression} FOR x IN [1]]", "{function}(DISTINCT {column})",
    "{expression}[{value}]", "COLUMNS('{column}')",
)  # fmt: skip
TYPES = (
    "INTEGER",
    "VARCHAR",
    "DOUBLE",
    "DECIMAL(3, 1)",
    "TINYINT[]",
    "STRUCT(a INTEGER)",
    "JSON",
    "BLOB",
    "TIMESTAMP",
    "BIT",
    "x",
)
DEPTH = 5
UNFIT = ("sleep", "repeat", "range", "generate_series", "rpad", "lpad", "force_checkpoint", "checkpoint", "list_resize")
"""Functions left out because random arguments make them large rather than wrong; limits have tests of their own."""


@cache
def functions() -> tuple[str, ...]:
    import duckdb

    names = duckdb.sql("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    return tuple(sorted(name for (name,) in names if name.isidentifier() and name not in UNFIT))


def statement(chance: random.Random) -> str:
    """One statement."""
    return _expanded(chance.choice(STATEMENTS), chance, DEPTH)


def _expanded(text: str, chance: random.Random, depth: int) -> str:
    rules = {
        "query": QUERIES if depth > 0 else QUERIES[:1], "expression": EXPRESSIONS if depth > 0 else EXPRESSIONS[:2],
        "value": VALUES, "column": COLUMNS, "table": TABLES, "type": TYPES, "function": functions(),
    }  # fmt: skip
    while (end := text.find("}")) >= 0 and (begin := text.rfind("{", 0, end)) >= 0:
        name = text[begin + 1 : end]
        if name not in rules:  # a value in braces
            text = text[:begin] + "\1" + name + "\2" + text[end + 1 :]
            continue
        text = text[:begin] + _expanded(chance.choice(rules[name]), chance, depth - 1) + text[end + 1 :]
    return text.replace("\1", "{").replace("\2", "}")


def ask(statements: list[str]) -> None:
    """Ask them as ``nca sql`` does; anything but an answer or an error of ours ends the process."""
    import io

    from nca_assets.cli.tables import print_rows
    from nca_assets.errors import NcaError
    from nca_assets.project import Project
    from nca_assets.warehouse.answer import first_rows, write_answer
    from nca_assets.warehouse.limits import limited_process

    data = Project.load().data
    for number, query in enumerate(statements):
        print(query, flush=True)
        try:
            with limited_process():
                if number % 2:
                    print_rows(*first_rows(query, data, 3))
                else:
                    write_answer(query, data, ("csv", "json", "parquet")[number % 3], io.BytesIO())
        except NcaError as error:
            print(error)
        print("\0")


def trials(world: World, count: int, chance: random.Random) -> Iterator[tuple[str, list[str]]]:
    """``count`` statements: what was asked, and what was wrong."""
    for _ in range(-(-count // AT_ONCE)):
        seed = chance.random()

        def work(seed: float = seed) -> None:
            own = random.Random(seed)
            ask([statement(own) for _ in range(AT_ONCE)])

        ended = forks.forked(work, world.folder / "tmp/sql", 300)
        asked = ended.out.split("\0")
        wrong = [] if ended.status == 0 else [f"{asked[-1]}: it ended with {ended.status}: {ended.err[-1500:]}"]
        wrong += [f"it changed {name}" for name in world.changed() if not name.startswith(("tmp", "cache"))]
        for text in asked[:-1]:
            yield text.strip().partition("\n")[0], []
        yield "statements", wrong
        world.put_back()
