from datetime import UTC, datetime, timedelta

import pytest

from pipeline.framing.codings.fields import CLOSED_LIST
from pipeline.framing.weights import audit_weights
from pipeline.store.training import CodedText

FIRST = datetime(2024, 1, 2, tzinfo=UTC)
LATER = FIRST + timedelta(days=60)


def _coded(number, *, group="a", probability=0.2, drawn_at=FIRST, collected_at=FIRST, draw="random"):
    return CodedText(
        monitor="m", address=f"http://x.example/{group}/{number}", value="both", target="", coder="c", draw=draw,
        probability=probability, drawn_at=drawn_at, origin="human", settles=False, text="t", text_digest=f"{number}",
        cluster=number, group=group, source="s", language="en", published_at=FIRST, collected_at=collected_at,
    )  # fmt: skip


def test_texts_of_two_queues_weigh_as_one_larger_draw(monitor):
    # of 100 texts of a 20 were drawn, and later 40 of the other 80; of 100 of b 60 at once
    a = [_coded(i) for i in range(20)] + [_coded(i, probability=0.5, drawn_at=LATER) for i in range(20, 60)]
    b = [_coded(i, group="b", probability=0.6, drawn_at=LATER) for i in range(60)]
    weights = audit_weights([*a, *b], {"m": monitor})
    assert weights == pytest.approx([100 / 60] * 120)
    assert sum(weights[:60]) == pytest.approx(sum(weights[60:]))


def test_a_text_that_came_after_a_draw_could_not_fall_into_it(monitor):
    late = _coded(1, probability=0.5, drawn_at=LATER, collected_at=LATER)
    assert audit_weights([_coded(0), late], {"m": monitor}) == pytest.approx([1 / (1 - 0.8 * 0.5), 2])


def test_a_closed_list_had_all_texts(monitor):
    drawn = [_coded(0, drawn_at=CLOSED_LIST), _coded(1, probability=0.5, drawn_at=LATER)]
    assert audit_weights(drawn, {"m": monitor}) == pytest.approx([1 / (1 - 0.8 * 0.5)] * 2)


def test_others_weigh_one(monitor):
    active = _coded(0, draw="active", probability=None)
    assert audit_weights([active, _coded(1, probability=1.0)], {"m": monitor}) == [1, 1]
    assert audit_weights([], {}) == []
