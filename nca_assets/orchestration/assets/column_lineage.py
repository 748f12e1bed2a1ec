"""Where each column of the warehouse's tables comes from, read off their SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import dagster as dg

from nca_assets.text import markdown_table
from nca_assets.warehouse.catalog import BY_NAME

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.lineage import Node

DIALECT = "duckdb"

FILES = {
    "label_files": ("behavior_labels", "imported_labels"),
    "score_files": ("long_horizon_baselines",),
    "collection_files": ("collections",),
}
"""The assets whose columns are those of the files that a variable lists."""

METADATA = {
    "parquet_kv_metadata": ("file_name", "key", "value"),
    "parquet_file_metadata": ("file_name", "num_rows", "file_size_bytes"),
}
"""Functions that read facts of files rather than their columns, and what the SQL takes of these."""

Lineage = dict[str, frozenset[tuple[str, str]]]
"""For each column whose origin is known, the tables or variables, and their columns, that it is computed from."""


def column_lineage(name: str) -> dg.TableColumnLineage:
    """The columns of assets that those of table ``name`` are computed from."""
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(key, origin) for table, origin in sorted(origins) for key in _keys(table)]
            for column, origins in origins_of(name).items()
        }
    )


def as_table(lineage: dg.TableColumnLineage) -> dg.MarkdownMetadataValue:
    """The same to read, since Dagster's open-source UI shows no lineage of columns."""
    rows = (
        (column, ", ".join(f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps))
        for column, deps in lineage.deps_by_column.items()
    )
    return dg.MetadataValue.md(markdown_table(["column", "computed from"], rows))


def _keys(table: str) -> list[dg.AssetKey]:
    if table in BY_NAME:
        return [dg.AssetKey(["analytics", table])]
    return [dg.AssetKey(asset) for asset in FILES.get(table, ())]


@cache
def origins_of(name: str) -> Lineage:
    """The origins of the columns of table ``name``; columns whose SQL can't be followed are absent."""
    from sqlglot import parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage

    columns = {table.name: [column.name for column in table.columns] for table in BY_NAME.values()}
    query = parse_one(BY_NAME[name].sql, dialect=DIALECT).expression.transform(_in_plain_sql, columns)
    # Types make no difference.
    schema = {table: dict.fromkeys(names, "TEXT") for table, names in columns.items()}
    try:
        nodes = lineage(None, query, schema, dialect=DIALECT, trim_selects=False)
    except SqlglotError:
        return {}
    return {column: frozenset(_leaves(node)) for column, node in nodes.items() if _is_known(node)}


def _is_known(node: Node) -> bool:
    """Whether sqlglot has found out what every column in ``node`` is of."""
    from sqlglot import exp

    ends = [leaf.expression for leaf in node.walk() if not leaf.downstream]
    return not any(
        isinstance(end, exp.Placeholder) or end.find(exp.Column, exp.TableColumn)
        for end in ends
        if not isinstance(end, exp.Table)
    )


def _leaves(node: Node) -> Iterator[tuple[str, str]]:
    """The tables and columns that ``node`` is computed from."""
    from sqlglot import exp

    for leaf in node.walk():
        if isinstance(leaf.expression, exp.Table):
            yield leaf.expression.name, exp.to_column(leaf.name, dialect=DIALECT).name


def _in_plain_sql(node: exp.Expr, columns: dict[str, list[str]]) -> exp.Expr:
    """What sqlglot can't follow, in SQL that it can. What reads files or a variable becomes a table, whose name and
    columns are added to ``columns``."""
    from sqlglot import exp

    if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
        return _table_of_files(node, columns)
    if isinstance(node, exp.Select) and isinstance(unnest := node.selects[0], exp.Explode):
        if isinstance(unnest.this, exp.Cast):
            return _column_by_column(node, unnest.this)
        return exp.select("*").from_(_table_of_variable(unnest, columns))
    if isinstance(node, exp.In) and (pattern := node.find(exp.Columns)):
        table = node.find_ancestor(exp.Table, exp.Select)
        names = [name for name in columns[table.name] if re.fullmatch(pattern.this.name, name)] if table else []
        return exp.In(this=node.this, expressions=[exp.column(name) for name in names])
    return node


def _table_of_files(reading: exp.Table, columns: dict[str, list[str]]) -> exp.Table:
    """For ``read_parquet(getvariable('label_files'))`` and the like."""
    from sqlglot import exp

    from nca_assets.warehouse.sources import SCHEMAS

    function = reading.this.name
    variable = next(literal.name for literal in reading.find_all(exp.Literal))
    if function in METADATA:
        variable = f"{function} of {variable}"
        columns[variable] = list(METADATA[function])
    elif variable in SCHEMAS:
        columns[variable] = list(SCHEMAS[variable])
    else:  # JSON, whose columns the query names
        columns[variable] = [entry.name for struct in reading.find_all(exp.Struct) for entry in struct.expressions]
    return exp.to_table(f'"{variable}"', dialect=DIALECT)


def _table_of_variable(unnest: exp.Explode, columns: dict[str, list[str]]) -> exp.Table:
    """For ``SELECT unnest(getvariable('disk'))``."""
    from sqlglot import exp

    from nca_assets.warehouse.sources import CURRENT, DAMAGED, DISK, UNREADABLE

    types = {"current": CURRENT, "disk": DISK, "damaged": DAMAGED, "unreadable": UNREADABLE}
    variable = next(literal.name for literal in unnest.find_all(exp.Literal))
    of_row = exp.DataType.build(types[variable], dialect=DIALECT)
    columns[variable] = [entry.name for entry in of_row.find_all(exp.ColumnDef)]
    return exp.to_table(variable)


def _column_by_column(query: exp.Select, rows: exp.Cast) -> exp.Select:
    """For ``SELECT unnest([(1, a), (2, b)]::STRUCT(number INTEGER, letter VARCHAR)[])``, a list for each column."""
    from sqlglot import exp

    names = [entry.name for entry in rows.to.find_all(exp.ColumnDef)]
    values = zip(*(row.expressions for row in rows.this.expressions), strict=True)
    lists = [exp.alias_(exp.array(*column), name) for name, column in zip(names, values, strict=True)]
    return query.select(*lists, append=False)
