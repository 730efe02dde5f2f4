"""A view of the trend or gap table as a table to be exported: the kinds of its columns are those of the store.

Read off the values, the kind of a column would hang on the choice of rows: a file of uncorrected periods would have
interval ends that are texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.measure.export.tables import Column, Table
from pipeline.store.trend_table import COLUMNS, TableName, kind_of_column

_NAMES: dict[TableName, tuple[str, str]] = {
    "groups": ("trends", "Balance of each group in each period"),
    "dyads": ("gaps", "Gap and state of each dyad"),
}


def view_table(table: TableName, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """The table of a view; ``rows`` hold the values of ``columns`` in this order."""
    name, title = _NAMES[table]
    meanings = COLUMNS[table]
    described = tuple(Column(column, kind_of_column(table, column), meanings[column]) for column in columns)
    return Table(name, title, described, [tuple(row) for row in rows])
