import random
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.collect.failure import DAY, Failure, failure_of, verdict

NOW = datetime(2009, 9, 19, tzinfo=UTC)
CHANCE = random.Random(1)  # noqa: S311 (a test's own)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(410, "hard"), (404, "soft"), (403, "soft"), (401, "soft"), (451, "soft"),
     (408, "temporary"), (429, "temporary"), (500, "temporary"), (503, "temporary")],
)  # fmt: skip
def test_a_status_is_a_kind(status, kind):
    failure = failure_of(status)
    assert failure.kind == kind
    assert str(status) in failure.reason


def test_gone_is_gone_and_refused_is_failed():
    assert verdict(failure_of(410), 1, NOW, CHANCE).status == "gone"
    assert verdict(Failure("hard", "refused"), 1, NOW, CHANCE).status == "failed"


def test_not_found_is_gone_at_the_third_time():
    found = [verdict(failure_of(404), tries, NOW, CHANCE).status for tries in (1, 2, 3)]
    assert found == ["pending", "pending", "gone"]


def test_soft_failures_end_after_five_tries():
    found = [verdict(failure_of(403), tries, NOW, CHANCE).status for tries in range(1, 6)]
    assert found == ["pending"] * 4 + ["failed"]


def test_temporary_failures_never_end_and_back_off_in_a_line_up_to_a_day():
    waits = [verdict(failure_of(500), tries, NOW, CHANCE).not_before - NOW for tries in range(1, 500)]
    assert waits[:3] == [timedelta(minutes=10), timedelta(minutes=20), timedelta(minutes=30)]
    assert max(waits) == DAY


def test_what_the_server_asks_for_is_kept_and_a_429_is_spread():
    assert verdict(failure_of(503, timedelta(hours=5)), 1, NOW, CHANCE).not_before == NOW + timedelta(hours=5)
    waits = {verdict(failure_of(429, timedelta(hours=1)), 1, NOW, CHANCE).not_before - NOW for _ in range(20)}
    assert len(waits) == 20
    assert min(waits) >= timedelta(hours=1)
    assert max(waits) <= timedelta(hours=1.5)
