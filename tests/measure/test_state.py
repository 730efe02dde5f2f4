import pytest

from pipeline.measure.state import NOT_ENOUGH, decide


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"missing": "a: silent", "corrected": False}, "no gap in this period"),
        ({"missing": None, "corrected": False}, "gap not corrected: codings drawn at random are needed on both sides"),
        ({"usable": 31}, "no usable reference (needs 52 usable weeks, has 31)"),
        ({"unit": "month", "usable": 3}, "no usable reference (needs 24 usable months, has 3)"),
        ({"unit": None}, "no usable reference (the monitor has neither weeks nor months)"),
        ({}, "no alarm is computed in this version, so no state is claimed"),
    ],
)
def test_no_state_is_claimed_and_the_reason_said(case, reason):
    state = decide(**({"missing": None, "corrected": True, "unit": "week", "usable": 60} | case))
    assert state.name == NOT_ENOUGH
    assert state.reasons == (reason,)
