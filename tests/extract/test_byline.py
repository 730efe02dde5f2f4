import pytest
from lxml import html

from pipeline.extract.byline import beside_heading

TEXT = "The council says that the land belongs to those who till it, and that no envoy from abroad will sign for them."


def beside(after, head="<title>The wells of the valley - A site</title>", heading="<h1>The wells of the valley</h1>"):
    return beside_heading(html.document_fromstring(f"<html><head>{head}</head><body>{heading}{after}</body></html>"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("<p>By the council, 19 September 2009</p>", "19 September 2009"),
        ("<p>A paper<br>Sept. 19, 2009, 22:11 GMT+10</p>", "Sept. 19, 2009"),
        ("<ul><li>Valley</li><li>19.9.2009</li></ul>", "19.9.2009"),
        ("<span>2009-09-19 10:15</span>", "2009-09-19 10:15"),
        ('<time datetime="2009-09-19T10:15:00+04:30">today</time>', "2009-09-19T10:15:00+04:30"),
        ("<p>17 de septiembre de 2009</p>", "17 de septiembre de 2009"),
        ("<div>تم نشره الجمعة 24 نيسان / أبريل 2020 09:22 مساءً</div>", "24 نيسان / أبريل 2020"),
        ("<div>۲۸ شهریور ۱۳۸۸</div>", "28 شهریور 1388"),
        ("<p>03/04/2010</p>", None),
        ("<p>2020/7/11-12: winners of the sale</p>", None),
        ("<p>2009</p>", None),
        ("<script>var day = '2009-09-19'</script>", None),
        (f"<p>{TEXT} It met on 19 September 2009.</p>", None),
        (f"<p>{TEXT}</p><p>{TEXT}</p><p>{TEXT}</p><p>{TEXT}</p><p>19 September 2009</p>", None),
        ("<i>x</i>" * 20 + "<p>19 September 2009</p>", None),
    ],
)
def test_a_full_date_in_a_short_line_after_the_heading(line, expected):
    assert beside(line) == expected


def test_the_day_on_which_the_site_was_opened_is_not_the_texts():
    assert beside("<p>By the council</p>", heading="<p>6 December 2009</p><h1>The wells of the valley</h1>") is None


def test_the_heading_may_be_another_element():
    assert beside("<p>19 September 2009</p>", heading="<h3>The wells of the valley</h3>") == "19 September 2009"
    assert beside("<p>19 September 2009</p>", heading="<h3>Other things to read</h3>") is None
    two = "<h1>A site with news</h1><p>1 May 2009</p><h1>The wells of the valley</h1>"
    assert beside("<p>19 September 2009</p>", heading=two) == "19 September 2009"
