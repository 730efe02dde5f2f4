from datetime import UTC, datetime

import pytest

from pipeline.store.models import (
    IncumbentChangedError,
    before_it,
    decide_alone,
    decisions_on,
    history,
    keep_model,
    model_in_force,
    model_named,
    models_of,
    promote,
    reject,
    require_in_force,
    undecided,
    were_in_force,
)
from pipeline.store.session import open_session

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def session(store_settings):
    with open_session(store_settings) as opened:
        yield opened


def _keep(session, name, variable="framing"):
    return keep_model(
        session,
        variable=variable,
        name=name,
        sha256="0" * 64,
        trained_at=NOW,
        training_balance=0.0,
        confusion={},
        card={"title": name},
    )


def test_the_newest_promotion_of_the_variable_is_in_force(session):
    assert model_in_force(session, "framing") is None
    one, two, other = _keep(session, "one"), _keep(session, "two"), _keep(session, "other", "criticism")
    for model in (one, two, other, one):
        assert promote(session, model, promoted_at=NOW, comment="c")
    assert model_in_force(session, "framing") is one
    assert model_in_force(session, "criticism") is other


def test_first_only_leaves_the_model_in_force_alone(session):
    one, two = _keep(session, "one"), _keep(session, "two")
    assert promote(session, one, promoted_at=NOW, comment="c", first_only=True)
    assert not promote(session, two, promoted_at=NOW, comment="c", first_only=True)
    assert model_in_force(session, "framing") is one


def test_a_known_name_gives_the_known_row(session):
    first = _keep(session, "one")
    session.commit()
    assert _keep(session, "one").id == first.id


def test_the_history_says_who_why_on_what_and_instead_of_what(session):
    one, two = _keep(session, "one"), _keep(session, "two")
    promote(session, one, promoted_at=NOW, comment="first")
    promote(session, two, promoted_at=NOW, comment="better", person="ana", evidence={"macro_f1": 0.7})
    steps = history(session, "framing")
    assert [(s.model.name, s.previous and s.previous.name) for s in steps] == [("one", None), ("two", "one")]
    row = steps[1].promotion
    assert (row.person, row.comment, row.evidence, row.previous_id) == ("ana", "better", {"macro_f1": 0.7}, one.id)
    assert history(session, "criticism") == []


def test_pages_read_the_newest_models_and_decisions_and_no_more(session):
    one, two, three, four = (_keep(session, name) for name in ("one", "two", "three", "four"))
    other = _keep(session, "other", "criticism")
    for model in (one, two, one, other):
        promote(session, model, promoted_at=NOW, comment="c")
    reject(session, three, rejected_at=NOW, rejection="worse")
    assert [model.name for model in models_of(session, "framing", most=2)] == ["four", "three"]
    assert len(models_of(session)) == 5
    every = decisions_on(session, "framing", most=9)
    assert [(step.name, step.instead_of) for step in every] == [("one", "two"), ("two", "one"), ("one", None)]
    assert decisions_on(session, "framing", most=2) == every[:2]
    assert decisions_on(session, "framing", "one", most=9) == [every[0], every[2]]
    assert were_in_force(session, [one, two, three, other]) == {one.id: True, two.id: False, other.id: True}
    assert undecided(session, "framing", most=9) == ["four"]
    assert undecided(session, "framing", most=0) == []
    assert four.rejected_at is None


def test_a_rejected_model_keeps_the_first_reason_until_it_is_promoted(session):
    model = _keep(session, "one")
    reject(session, model, rejected_at=NOW, rejection="worse")
    reject(session, model, rejected_at=NOW, rejection="later")
    assert (model_named(session, "one").rejection, models_of(session, "criticism")) == ("worse", [])
    promote(session, model, promoted_at=NOW, comment="c")
    session.commit()
    assert (model.rejected_at, model.rejection) == (None, None)


def test_a_decision_against_another_incumbent_is_told(session):
    one, two = _keep(session, "one"), _keep(session, "two")
    decide_alone(session, "framing")
    assert require_in_force(session, "framing", None) is None
    with pytest.raises(IncumbentChangedError, match="no model is in force now, and the decision was made against one"):
        require_in_force(session, "framing", "one")
    promote(session, one, promoted_at=NOW, comment="c")
    promote(session, two, promoted_at=NOW, comment="c")
    assert require_in_force(session, "framing", "two") is two
    with pytest.raises(IncumbentChangedError, match="two is in force now"):
        require_in_force(session, "framing", "one")


@pytest.mark.parametrize(
    ("names", "before"),
    [
        ([], []),
        (["a"], []),
        (["a", "b", "c"], ["a", "b"]),
        (["a", "b", "c", "<b"], ["a"]),
        (["a", "b", "c", "<b", "<a"], []),
        (["a", "b", "c", "<b", "<c"], ["a", "b"]),
        (["a", "b", "c", "<a", "d"], ["a"]),
        (["a", "b", "b"], ["a"]),
        (["a", "b", "a"], ["a", "b"]),
    ],
)
def test_repeated_roll_backs_walk_further_back(names, before):
    assert before_it((name.lstrip("<"), name.startswith("<")) for name in names) == before
