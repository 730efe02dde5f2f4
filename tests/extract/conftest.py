import pytest

from pipeline.extract.dates import parse_date


@pytest.fixture(scope="session", autouse=True)
def languages_are_loaded():
    """The first date in words that no language reads makes dateparser load all of them, for two seconds or three: the
    limits of time in these tests are for what is read."""
    parse_date("the day of 13 words")
    parse_date("2009-10-06T0<?8:00")
