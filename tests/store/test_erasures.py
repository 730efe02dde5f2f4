"""Which tables an erasure tidies up on PostgreSQL; what it does is tested in tests/collect/test_erase.py."""

from pipeline.store.erasures import _TABLES
from pipeline.store.tables import Base


def test_every_table_of_which_rows_go_is_vacuumed():
    of_texts = {"documents", "queue_items"}
    hanging = {
        name
        for name, table in Base.metadata.tables.items()
        if any(key.column.table.name in of_texts for key in table.foreign_keys)
    }
    made_of_texts = {"kept_sheets", "kept_panels", "kept_smoothed", "replay_stretches", "replay_cells"}
    assert {"codings", "framings", "mentions", "assignments"} <= hanging
    assert hanging | made_of_texts | {"documents"} <= set(_TABLES) <= set(Base.metadata.tables)
