import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.kinds.cdx import (
    Answer,
    Capture,
    NoIndexError,
    Question,
    address_of,
    following,
    is_cut,
    moment,
    parse,
    query,
)

NAMES = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
ROW = ["example,a)/", "20091007120000", "http://a.example:80/", "text/html", "200", "ABC", "512"]
CAPTURE = Capture(datetime(2009, 10, 7, 12, tzinfo=UTC), "http://a.example:80/", "text/html", "200", "ABC")
REVISIT = Capture(CAPTURE.time, CAPTURE.original, "warc/revisit", "", "ABC")
SPAN = Question(datetime(2006, 1, 1, tzinfo=UTC), datetime(2010, 12, 31, 23, 59, 59, tzinfo=UTC))


def line(**more: str) -> str:
    said = {"timestamp": ROW[1], "url": ROW[2], "mime": "text/html", "status": "200", "digest": "ABC", **more}
    return json.dumps({name: value for name, value in said.items() if value})


def test_a_question_as_both_families_of_servers_take_it():
    base = query("http://archive.example/coll/cdx", "http://a.example/?x=1&y=2", "prefix")
    address = address_of(base, Question(SPAN.first, SPAN.last, "example,a)/ 20091007120000!"), lines=50)
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith("http://archive.example/coll/cdx?url=http%3A%2F%2Fa.example%2F%3Fx%3D1%26y%3D2&")
    assert asked["matchType"] == ["prefix"]
    assert (asked["from"], asked["to"], asked["limit"]) == (["20060101000000"], ["20101231235959"], ["50"])
    assert asked["resumeKey"] == ["example,a)/ 20091007120000!"]
    assert query("http://archive.example/cdx?c=5", "http://a.example/", "exact").startswith(
        "http://archive.example/cdx?c=5&url="
    )


def test_the_internet_archives_form_with_and_without_a_key():
    assert parse(json.dumps([NAMES, ROW]).encode()) == Answer([CAPTURE], 1, [], None, keyed=True)
    more = parse(json.dumps([NAMES, ROW, [], ["example%2Ca%29%2F+20091007120000%21"]]).encode())
    assert (more.captures, more.resume) == ([CAPTURE], "example,a)/ 20091007120000!")
    assert parse(b"[]") == Answer([], 0, [], None, keyed=True)


@pytest.mark.parametrize(
    ("text", "capture"),
    [
        (line(), CAPTURE),
        (line(mime="warc/revisit", status=""), REVISIT),
        ('example,a)/ 20091007120000 {"url": "http://a.example:80/", "mime": "text/html", "status": "200", '
         '"digest": "ABC"}', CAPTURE),
        (" ".join(ROW), CAPTURE),
        (" CDX N b a m s k r M S V g\n" + " ".join([*ROW[:3], "warc/revisit - ABC - - 5 6 f"]), REVISIT),
    ],
    ids=["pywb", "pywb revisit", "cdxj", "plain", "cdx11"],
)  # fmt: skip
def test_one_capture_per_line(text, capture):
    answer = parse(text.encode() + b"\n")
    assert (answer.captures, answer.unread, answer.keyed) == ([capture], [], False)


def test_a_key_behind_plain_lines():
    answer = parse((" ".join(ROW) + "\n\nexample%2Ca%29%2F+20091007120000%21\n").encode())
    assert (answer.captures, answer.lines, answer.resume) == ([CAPTURE], 1, "example,a)/ 20091007120000!")


def test_no_captures_are_an_answer():
    assert parse(b"\n") == Answer([], 0, [], None, keyed=False)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><body>Sign in</body></html>", "an HTML page"),
        (b'{"message": "Invalid match_type: bogus"}', "Invalid match_type: bogus"),
        (b"org.archive.wayback.exception.RobotAccessControlException: Blocked By Robots", "excluded"),
        (json.dumps([NAMES, ROW]).encode()[:-10], "no whole answer"),
    ],
)
def test_what_is_no_answer_says_what_it_is(body, said):
    with pytest.raises(NoIndexError, match=said):
        parse(body)


def test_a_line_that_cannot_be_read_costs_no_other():
    bad = [
        [*ROW[:1], "20000012170449", *ROW[2:]],
        [*ROW[:2], "http:/mailto:somebody", *ROW[3:]],
        [*ROW[:2], "dns:a.example", *ROW[3:]],
        5,
        [],
        None,
    ]
    answer = parse(json.dumps([NAMES, *bad, ROW]).encode())
    assert (answer.captures, answer.lines, len(answer.unread)) == ([CAPTURE], 7, 6)
    assert parse(f"{{torn\n{line()}\n{line(timestamp='2009')}\n".encode()).captures == [CAPTURE]


@given(st.binary())
def test_anything_may_come(body):
    with suppress(NoIndexError):
        assert isinstance(parse(body), Answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
)


@given(JSON)
def test_any_json_may_come(data):
    for body in (json.dumps(data), json.dumps([NAMES, data]), json.dumps([[], data])):
        with suppress(NoIndexError):
            assert isinstance(parse(body.encode()), Answer)


# The walk, against an archive that is a list of times


def serve(times: list[datetime], question: Question, *, most: int, keyed: bool) -> Answer:
    """An index of one address, as the two families answer."""
    first = moment(question.resume) if question.resume else question.first
    found = [time for time in times if first <= time <= question.last]
    captures = [Capture(time, "http://a.example/", "text/html", "200", str(time)) for time in found[:most]]
    more = found[most].strftime("%Y%m%d%H%M%S") if keyed and len(found) > most else None
    return Answer(captures, len(captures), [], more, keyed=keyed)


def walk(
    times: list[datetime], *, limit: int, most: int, keyed: bool, stops: bool = False
) -> tuple[list[datetime], int]:
    """All that a walk finds, and the number of its questions; with ``stops`` it is broken off after each of them."""
    question: Question | None = SPAN
    found: list[datetime] = []
    asked = 0
    while question is not None:
        asked += 1
        answer = serve(times, question, most=min(most, limit), keyed=keyed)
        if not is_cut(question, answer, lines=limit) or question.first == question.last:
            found += [capture.time for capture in answer.captures]
        question = following(question, answer, SPAN.last, lines=limit)
        if question is not None and stops:
            question = Question.from_cursor(question.cursor())
    return found, asked


seconds = st.integers(0, int((SPAN.last - SPAN.first).total_seconds()))


@given(st.lists(seconds, unique=True, max_size=60), st.integers(1, 20), st.booleans(), st.booleans())
def test_every_capture_is_found_once_however_the_answers_are_cut(offsets, limit, keyed, stops):
    times = sorted(SPAN.first + timedelta(seconds=offset) for offset in offsets)
    assert walk(times, limit=limit, most=limit, keyed=keyed, stops=stops)[0] == times


def test_a_server_with_a_smaller_limit_of_its_own_is_noticed():
    times = [SPAN.first + timedelta(hours=hour) for hour in range(1234)]
    found, asked = walk(times, limit=1000, most=200, keyed=False)
    assert found == times
    assert asked < 60


def test_more_captures_in_one_second_than_an_answer_holds():
    times = [SPAN.first + timedelta(days=3)] * 30 + [SPAN.last]
    found, _ = walk(times, limit=10, most=10, keyed=False)
    assert found == [*times[:10], SPAN.last]


def test_a_key_that_leads_nowhere_ends_the_walk():
    question = Question(SPAN.first, SPAN.last, "same")
    assert following(question, Answer([CAPTURE], 1, [], "same", keyed=True), SPAN.last) is None


@pytest.mark.parametrize("cursor", ["", "{}", "[]", "5", '{"first": "2009", "last": "2010", "resume": null}'])
def test_what_is_no_cursor(cursor):
    with pytest.raises(ValueError, match=r"is no|Expecting"):
        Question.from_cursor(cursor)
