from datetime import UTC, date, datetime

from pipeline.store.bridges import bridges, newest_cells
from pipeline.store.models import keep_model
from pipeline.store.session import open_session
from pipeline.store.tables import Bridge

NOW = datetime(2024, 1, 1, tzinfo=UTC)
STARTS = (date(2023, 1, 1), date(2023, 4, 1), date(2023, 7, 1))


def test_of_a_bridge_that_is_cut_the_newest_cells_are_kept_in_their_order(store_settings):
    with open_session(store_settings) as session:
        old, new = (
            keep_model(
                session, variable="framing", name=name, sha256="0" * 64, trained_at=NOW, training_balance=0.0,
                confusion={}, card={},
            )
            for name in ("old", "new")
        )  # fmt: skip
        session.flush()
        session.add_all(
            Bridge(
                monitor="m", group_id=group, period="quarter", start=start, end=date(2024, 1, 1), old_model_id=old.id,
                new_model_id=new.id, clusters=1, codings=0, made_at=NOW,
            )
            for group in ("a", "b") for start in STARTS
        )  # fmt: skip
        session.flush()

        def told(most):
            lines, earlier = newest_cells(session, "m", "framing", "new", most=most)
            return [(line.group_id, line.start) for line in lines], earlier

        whole = [(group, start) for group in ("a", "b") for start in STARTS]
        assert [(line.group_id, line.start) for line in bridges(session, "m", "framing")] == whole
        assert told(6) == (whole, False)
        assert told(5) == ([place for place in whole if place != ("b", STARTS[0])], True)
        assert told(4) == ([place for place in whole if place[1] != STARTS[0]], True)
        assert newest_cells(session, "m", "framing", "old", most=4) == ([], False)
