from datetime import date, timedelta

from pipeline.review.source_charts import HEIGHT, LEAST, bars

WEEK = timedelta(days=7)


def weeks(*counts):
    return [(date(2009, 9, 21) + i * WEEK, count) for i, count in enumerate(counts)]


def test_the_fullest_week_fills_the_drawing_and_an_empty_one_is_a_mark():
    one, two, none = bars(weeks(5, 10, 0))
    assert (two.y, two.height) == (0, HEIGHT)
    assert (one.height, one.y) == (HEIGHT / 2, HEIGHT / 2)
    assert (none.height, none.y) == (LEAST, HEIGHT - LEAST)
    assert one.x < two.x < none.x
    assert two.said == "week from 2009-09-28: 10 texts"


def test_nothing_at_all():
    assert bars([]) == []
    assert {bar.height for bar in bars(weeks(0, 0))} == {LEAST}
