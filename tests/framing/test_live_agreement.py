import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from classifiers.coding.agreement import AgreementError, Rating, agreement
from pipeline.framing import live_agreement as live
from pipeline.framing.labelling import answer, close_queue, next_item
from pipeline.framing.queue import draw_queue
from pipeline.store.codings import keep_codings
from pipeline.store.label import Vote
from pipeline.store.pending import is_pending
from pipeline.store.session import open_session
from pipeline.store.tables import Coding
from tests.framing.labelled import COLLECTED, add_model, add_texts


def vote(unit: int, coder: str, value: str, language: str | None = "en") -> Vote:
    return Vote(f"cluster {unit}", "", coder, value, language)


@given(
    st.lists(
        st.builds(vote, st.integers(0, 8), st.sampled_from("xyz"), st.sampled_from(("both", "neither")), st.just("en")),
        max_size=40,
    )
)
def test_the_figure_is_that_of_agreement_or_says_why_there_is_none(cast):
    (whole,) = live.figures(cast)
    ratings = [Rating((one.unit, ""), one.unit, one.coder, one.value) for one in cast]
    if whole.alpha is None:
        with pytest.raises(AgreementError, match=re.escape(whole.verdict)):
            agreement(ratings)
        assert (whole.low, whole.high, whole.percent) == (None, None, None)
    else:
        found = agreement(ratings)
        assert (whole.alpha, whole.low, whole.high, whole.texts) == (found.alpha, found.low, found.high, found.units)


def test_each_language_has_its_own_figure_where_there_are_several():
    cast = [
        vote(i, coder, "both" if i % 2 else "neither", "ar" if i > 5 else None) for i in range(12) for coder in "xy"
    ]
    cast[-1] = vote(11, "y", "neither", "ar")
    whole, arabic, unknown = live.figures(cast)
    assert (whole.language, arabic.language, unknown.language) == ("all", "ar", "unknown")
    assert unknown.alpha == 1
    assert arabic.alpha < whole.alpha < 1
    assert arabic.texts + unknown.texts == whole.texts == 12


def test_figures_are_kept_until_a_coding_changes(store_settings, monitor, monkeypatch):
    texts = add_texts(store_settings, 6)
    reckoned = []
    monkeypatch.setattr(live, "figures", lambda cast: reckoned.append(len(cast)) or (len(cast),))

    def code(document: int, coder: str) -> None:
        with open_session(store_settings) as session:
            session.add(
                Coding(
                    monitor="m", address=f"http://x.example/t/a/{texts.index(document)}/0", document_id=document,
                    variable="framing", value="both", codebook_version=1, coder=coder, coded_at=COLLECTED,
                    draw="random", probability=0.5, drawn_at=COLLECTED,
                )
            )  # fmt: skip
            session.commit()

    for coder in ("c1", "c2"):
        code(texts[0], coder)
        for _ in range(3):
            with open_session(store_settings) as session:
                live.live_agreement(session, monitor, "framing")
    assert reckoned == [1, 2]
    with open_session(store_settings) as session, pytest.raises(ValueError, match="unknown variable"):
        live.live_agreement(session, monitor, "mood")


def _code(settings, texts, number: int, coder: str, value: str = "both", **other) -> None:
    with open_session(settings) as session:
        session.add(
            Coding(
                monitor="m", address=f"http://x.example/t/a/{number}/0", document_id=texts[number],
                variable="framing", value=value, codebook_version=1, coder=coder, coded_at=COLLECTED,
                draw="random", probability=0.5, drawn_at=COLLECTED, **other,
            )
        )  # fmt: skip
        session.commit()


def _seen(settings, monitor) -> live.Live:
    with open_session(settings) as session:
        return live.live_agreement(session, monitor, "framing")


def test_figures_that_lack_the_last_answers_say_when_these_are_in(store_settings, monitor, monkeypatch):
    texts, clock = add_texts(store_settings, 6), [1000.0]
    monkeypatch.setattr(live, "monotonic", lambda: clock[0])

    def slowly(cast):
        clock[0] += 1
        return (len(cast),)

    monkeypatch.setattr(live, "figures", slowly)
    _code(store_settings, texts, 0, "c1")
    assert _seen(store_settings, monitor) == live.Live((1,))
    _code(store_settings, texts, 0, "c2")  # the last answer of a queue, and nobody answers after it
    clock[0] += 5
    found = _seen(store_settings, monitor)
    assert (found.figures, found.behind) == ((1,), 15)
    clock[0] += found.behind
    assert _seen(store_settings, monitor) == live.Live((2,))


def test_what_waited_for_a_second_coder_counts_when_its_queue_is_closed(store_settings, monitor):
    model = add_model(store_settings)
    add_texts(store_settings, 30, model=model)
    queue = draw_queue(store_settings, monitor, variable="framing", size=4, random=1, second=1, seed=3).queue
    for coder, texts in (("c1", 4), ("c2", 3)):
        for number in range(texts):
            item = next_item(store_settings, monitor, coder).item
            answer(store_settings, monitor, item, "both" if number else "neither", coder)
    with open_session(store_settings) as session:
        (waiting,) = session.scalars(select(Coding).where(is_pending()))
        kept = {name: getattr(waiting, name) for name in ("address", "variable", "target", "value", "draw", "drawn_at")}
        # another coder had coded the same text in an earlier draw
        more = {"codebook_version": 1, "coder": "c3", "coded_at": COLLECTED, "probability": 0.5, "note": None}
        keep_codings(session, "m", [kept | more | {"drawn_at": COLLECTED}])
        session.commit()
    assert _seen(store_settings, monitor).figures[0].texts == 3
    close_queue(store_settings, monitor, queue)
    assert _seen(store_settings, monitor).figures[0].texts == 4


def test_of_very_many_codings_the_newest_are_reckoned_with_and_that_is_said(store_settings, monitor, monkeypatch):
    texts = add_texts(store_settings, 6)
    for number in range(3):
        _code(store_settings, texts, number, "c1")
    monkeypatch.setattr(live, "figures", lambda cast: (len(cast),))
    monkeypatch.setattr(live, "MOST_VOTES", 3)
    assert _seen(store_settings, monitor) == live.Live((3,))
    _code(store_settings, texts, 3, "c1")
    assert _seen(store_settings, monitor) == live.Live((3,), newest=3)
