import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure.balance import Interval
from pipeline.measure.gap import Gap
from pipeline.measure.state import (
    CONVERGING,
    DIVERGING,
    NOT_ENOUGH,
    RIFT,
    STEADY,
    Confirmed,
    Criticism,
    OpenAlarm,
    decide,
    direction,
)


def gap(value, half=None):
    return Gap(value, None if half is None else Interval(value - half, value + half, 0.01, 20))


def confirmed(before, after, half=0.1, *, sure=0.05):
    change = after - before
    return Confirmed(change, change - half, change + half, gap(before, sure), gap(after, sure))


def state(*alarms, **more):
    return decide(**({"unit": "week", "usable": 52, "alarms": alarms} | more))


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"usable": 31}, "no usable reference (needs 52 usable weeks, has 31)"),
        ({"unit": "month", "usable": 3}, "no usable reference (needs 24 usable months, has 3)"),
        ({"unit": None}, "no usable reference (the monitor has neither weeks nor months)"),
        ({"missing": 4}, "4 weeks in a row without framed texts of both groups"),
        ({"unit": "month", "usable": 24, "missing": 2}, "2 months in a row without framed texts of both groups"),
        ({"impossible": "the model explains nothing"}, "the model explains nothing"),
    ],
)
def test_without_evidence_no_state_is_claimed_even_with_a_confirmed_alarm(case, reason):
    made = state(OpenAlarm("2024-W10", confirmed(0.0, 0.4)), **case)
    assert made.name == NOT_ENOUGH
    assert made.reasons == (reason,)


def test_without_alarm_it_is_steady():
    assert state().name == STEADY
    assert state(missing=3).name == STEADY


def test_an_alarm_alone_claims_nothing():
    made = state(OpenAlarm("2024-W10"))
    assert made.name == STEADY
    assert made.reasons[0] == "alarm since 2024-W10: the model's gap is moving, codings needed"
    unsure = state(OpenAlarm("2024-W10", confirmed(0.0, 0.3, half=0.31)))
    assert unsure.name == STEADY
    assert "not confirmed: change of the corrected gap +0.30 (-0.01 to +0.61)" in unsure.reasons


def test_a_certain_change_that_is_small_is_none():
    assert state(OpenAlarm("w", confirmed(0.0, 0.09, half=0.01))).name == STEADY
    assert state(OpenAlarm("w", confirmed(0.0, 0.11, half=0.01))).name == DIVERGING


@pytest.mark.parametrize(
    ("before", "after", "towards"),
    [
        (0.2, 0.6, DIVERGING),
        (-0.2, -0.6, DIVERGING),
        (0.6, 0.2, CONVERGING),
        (-0.6, -0.2, CONVERGING),
        (0.2, -0.6, DIVERGING),  # crossed zero, and is wider than before
        (0.6, -0.2, CONVERGING),
        (-0.2, 0.6, DIVERGING),
        (0.01, -0.4, DIVERGING),  # the reference's sign is not certain: that of the present counts
    ],
)
def test_apart_or_together(before, after, towards):
    assert direction(confirmed(before, after)) == towards


@given(before=st.floats(-1, 1), after=st.floats(-1, 1))
def test_the_order_of_the_groups_does_not_matter(before, after):
    assert direction(confirmed(before, after)) == direction(confirmed(-before, -after))


def test_a_rift_needs_both():
    apart, together = confirmed(0.1, 0.5), confirmed(0.5, 0.1)
    rise, none = Criticism(True, ("a criticises b more",)), Criticism(False, ("no rise",))
    assert state(OpenAlarm("w", apart, criticism=rise)).name == RIFT
    assert state(OpenAlarm("w", apart, criticism=none)).name == DIVERGING
    assert state(OpenAlarm("w", together, criticism=rise)).name == CONVERGING
    assert state(OpenAlarm("w", None, criticism=rise)).name == STEADY
    uncoded = state(OpenAlarm("w", apart))
    assert uncoded.name == DIVERGING
    assert "no criticism has been coded, so no rift can be claimed" in uncoded.reasons


def test_of_several_alarms_the_newest_confirmed_decides():
    apart, together = confirmed(0.1, 0.5), confirmed(0.5, 0.1)
    assert state(OpenAlarm("1", together), OpenAlarm("2", apart), OpenAlarm("3")).name == DIVERGING
    assert state(OpenAlarm("1"), OpenAlarm("2")).reasons[0].startswith("alarm since 2")


def test_the_other_alarms_that_need_codings_are_named():
    apart, unsure = confirmed(0.1, 0.5), confirmed(0.0, 0.3, half=0.31)
    made = state(OpenAlarm("1"), OpenAlarm("2", apart), OpenAlarm("3", apart), OpenAlarm("4", unsure))
    assert made.reasons[0].startswith("alarm since 3, confirmed by coders")
    assert made.reasons[-2:] == ("another alarm since 1: codings needed", "another alarm since 4: codings needed")
    assert not any("another" in reason for reason in state(OpenAlarm("1", apart), OpenAlarm("2", apart)).reasons)
    assert state(OpenAlarm("1"), OpenAlarm("2")).reasons[-1] == "another alarm since 1: codings needed"
