from datetime import UTC, datetime

import pytest

from pipeline.report import InVainError, Report

SPRING = datetime(2024, 3, 1, tzinfo=UTC)
AUTUMN = datetime(2024, 9, 1, tzinfo=UTC)


def test_reports_add_up():
    both = Report("collect", found=3, new=2, seconds=1.0, first=AUTUMN, last=AUTUMN, problems=("a",)) + Report(
        "collect", found=1, known=1, seconds=0.5, first=SPRING, last=SPRING, problems=("b",)
    )
    assert (both.found, both.new, both.known, both.seconds) == (4, 2, 1, 1.5)
    assert (both.first, both.last, both.problems) == (SPRING, AUTUMN, ("a", "b"))


def test_different_jobs_do_not_add_up():
    with pytest.raises(ValueError, match="collect \\+ frame"):
        Report("collect") + Report("frame")


def test_the_sentence_names_what_happened_and_nothing_else():
    text = Report("collect", found=1200, new=7, failed=1, seconds=2.0, problems=("a page is gone",)).sentence()
    assert text == "collect: 1,200 found, 7 new, 1 failed in 2.0 s; 1 problem, first: a page is gone."


def test_the_sentence_names_the_dates():
    assert "published 2024-03-01 to 2024-09-01" in Report("collect", first=SPRING, last=AUTUMN).sentence()


def test_a_run_that_failed_at_everything_is_in_vain():
    with pytest.raises(InVainError, match="1 failed"):
        Report("collect", found=1, failed=1).require_something()
    for kept in (Report("collect", failed=1, new=1), Report("collect", failed=1, known=1), Report("collect")):
        kept.require_something()
