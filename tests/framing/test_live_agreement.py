import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.coding.agreement import AgreementError, Rating, agreement
from pipeline.framing import live_agreement as live
from pipeline.store.label import Vote
from pipeline.store.session import open_session
from pipeline.store.tables import Coding
from tests.framing.labelled import COLLECTED, add_texts


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
