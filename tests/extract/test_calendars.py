from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.calendars import SOLAR_YEARS, from_solar, read


# Days that both calendars name in public records: 22 Bahman 1357, new years, leap days.
@pytest.mark.parametrize(
    ("solar", "gregorian"),
    [
        ((1357, 11, 22), date(1979, 2, 11)),
        ((1388, 6, 28), date(2009, 9, 19)),
        ((1399, 12, 30), date(2021, 3, 20)),
        ((1400, 1, 1), date(2021, 3, 21)),
        ((1403, 12, 30), date(2025, 3, 20)),
        ((1408, 1, 1), date(2029, 3, 20)),
    ],
)
def test_days_of_the_solar_calendar(solar, gregorian):
    assert from_solar(*solar) == gregorian


@given(st.integers(SOLAR_YEARS.start, SOLAR_YEARS.stop - 2))
def test_years_follow_each_other_without_gap_and_begin_at_the_equinox(year):
    start, following = from_solar(year, 1, 1), from_solar(year + 1, 1, 1)
    assert (start.month, start.day in (19, 20, 21, 22)) == (3, True)
    assert from_solar(year, 12, 29) + timedelta(days=(following - start).days - 364) == following


@pytest.mark.parametrize("day", [(1399, 13, 1), (1399, 7, 31), (1400, 12, 30), (1399, 0, 5), (1000, 1, 1)])
def test_days_that_do_not_exist(day):
    with pytest.raises(ValueError, match="solar"):
        from_solar(*day)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("24 نيسان 2020", date(2020, 4, 24)),
        ("الجمعة 24 نيسان / أبريل 2020 09:22", date(2020, 4, 24)),
        ("12 تشرين الأول، 2009", date(2009, 10, 12)),
        ("3 كانون الثاني 2007", date(2007, 1, 3)),
        ("شنبه 28 شهریور 1388 - 12:09", date(2009, 9, 19)),
        ("2 تير 1399", date(2020, 6, 22)),
        ("28 سنبله 1388", date(2009, 9, 19)),
        ("28 وږی 1388", date(2009, 9, 19)),
        ("31 نيسان 2020", None),
        ("31 مهر 1388", None),
        ("28 شهریور 2009", None),
        ("24 نيسان 1399", None),
        ("24 April 2020", None),
        ("", None),
    ],
)
def test_dates_in_words(written, expected):
    assert read(written) == expected
