from pipeline.collect.problems import Problems


def test_a_reason_is_said_once_with_how_often_and_where():
    problems = Problems()
    for i in range(5):
        problems.add(f"http://a/{i}", "HTTP 500")
    problems.note("the cap bites")
    problems.note("the cap bites")
    problems.add("http://b", "HTTP 404")
    assert problems.lines() == (
        "http://a/0, http://a/1, http://a/2 and 2 more: HTTP 500",
        "the cap bites",
        "http://b: HTTP 404",
    )
