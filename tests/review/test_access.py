"""Names of coders: each user of Airflow has one, and no two have the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.framing.labelling import check_coder

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def kept_name(airflow_home):
    from pipeline.review.access import kept_name

    return kept_name


def test_a_plain_name_is_kept_as_it_is(kept_name):
    for name in ("ana", "ana.b@example.org", "Ana Běhounková", "x" * 60):
        assert kept_name(name) == name


def test_two_users_are_never_one_coder(kept_name):
    users = ["a/b", "a_b", "a:b", " a_b", "x" * 61, "x" * 62, "x" * 60, "", " ", "/"]
    assert len({kept_name(user) for user in users}) == len(users)
    assert kept_name("a/b") == kept_name("a/b")


@given(user=st.text(max_size=100))
def test_every_name_can_be_kept(kept_name, user):
    assert check_coder(kept_name(user)) == kept_name(user)
