"""The trend table."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from pipeline.review.asked import names_of, settings_of
from pipeline.review.trend_views import Asked, labels_of
from pipeline.store.session import open_session
from pipeline.store.trend_table import COLUMNS, TableName, count_rows, kind_of_column, rows_of

router = APIRouter(prefix="/api/v1", tags=["trends"])

MOST_ROWS = 20_000


class ColumnShown(BaseModel):
    """A column."""

    name: str
    kind: str = Field(description="string, integer, number, date, datetime or object (a list or a record)")
    meaning: str


class TrendTable(BaseModel):
    """Rows of the trend table, or with table=dyads of the gap table."""

    table: TableName
    columns: list[ColumnShown] = Field(description="those that say which row it is, then the chosen ones")
    rows: list[list[Any]] = Field(description="values in the order of the columns; null is a missing value")
    labels: list[str] = Field(description="name of each row's period, such as 2024-Q1")
    total: int = Field(description="rows of the whole view; rows holds the first `limit` of them")
    names: dict[str, str] = Field(description="group -> its name, in the order of the names")


@router.get("/monitors/{monitor}/trends", response_model=TrendTable)
def trends(request: Request, asked: Asked, limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = MOST_ROWS) -> Response:
    """Balances of groups (or gaps of dyads) by period, newest first unless sorted."""
    view = asked.view
    with open_session(settings_of(request)) as session:
        name = asked.monitor.name
        rows = rows_of(session, name, view, asked.columns, limit=limit, groups=asked.ordered)
        total = len(rows) if len(rows) < limit else count_rows(session, name, view)
    names = names_of(asked.monitor)
    table = TrendTable(
        table=view.table,
        columns=[
            ColumnShown(name=column, kind=kind_of_column(view.table, column), meaning=COLUMNS[view.table][column])
            for column in asked.columns
        ],
        rows=[list(row) for row in rows],
        labels=labels_of(asked, rows),
        total=total,
        names={group: names[group] for group in asked.ordered},
    )
    # written straight away: FastAPI would look at each of up to half a million values twice more
    return Response(table.model_dump_json(), media_type="application/json")
