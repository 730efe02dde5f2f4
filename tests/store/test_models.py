from datetime import UTC, datetime

import pytest

from pipeline.store.models import keep_model, model_in_force, promote
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
