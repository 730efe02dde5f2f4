"""Coding in a real browser: keys, undo, notes, two windows, a server that goes away, a phone, 200% zoom."""

from __future__ import annotations

import json
import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from pipeline.settings import Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Coding
from tests.browser import CHROMIUM, MISSING
from tests.review.axe import RULES
from tests.review.small_store import fill_small
from tests.review.visiting import Visitor, start_server

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]

READ = 700
"""milliseconds: an answer that comes sooner than 300 after its text is taken for a double click"""


@pytest.fixture(scope="module")
def small_store(tmp_path_factory):
    """A store of its own that these tests may change."""
    folder = tmp_path_factory.mktemp("label")
    made = Settings(data=folder / "data", database_url="", monitors=folder / "monitors")
    ids = fill_small(made, texts=24)
    yield made, ids
    engine_for(made.database).dispose()


@pytest.fixture(scope="module")
def label_server(new_airflow, small_store, tmp_path_factory):
    """A real api-server on that store."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    yield from start_server(new_airflow, tmp_path_factory.mktemp("label-server"), small_store[0])


class Window(Visitor):
    """A window of somebody who is logged in already: one log-in a user serves all these tests."""

    def __init__(self, browser, address: str, state, mode: str, width: int, height: int) -> None:
        self.mode, self.address = mode, address
        self.complaints: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=mode, storage_state=state
        )
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))


@pytest.fixture(scope="module")
def logged_in(label_server, browser):
    """User -> what the browser keeps of the log-in."""
    states = {}

    def of(user: str):
        if user not in states:
            visitor = Visitor(browser, label_server, "light", user)
            states[user] = visitor.context.storage_state()
            visitor.context.close()
        return states[user]

    return of


@pytest.fixture
def codes(label_server, logged_in, browser):
    """Mode, user and size -> a person at the page of coders, without Airflow's frame."""
    come: list[Window] = []

    def enter(below="m/harbour/label", mode="light", user="ana", width=1280, height=900) -> Window:
        come.append(Window(browser, label_server, logged_in(user), mode, width, height))
        come[-1].opens(below)
        return come[-1]

    yield enter
    for one in come:
        one.context.close()


@pytest.fixture
def codings(small_store):
    """Coder -> what the store has of them, the oldest first."""

    def of(coder: str) -> list[tuple[str, str | None]]:
        with open_session(small_store[0]) as session:
            rows = session.query(Coding).filter(Coding.coder == coder).order_by(Coding.coded_at, Coding.id)
            return [(one.value, one.note) for one in rows]

    return of


def begins(visitor: Visitor) -> str:
    """Wait for a text, and read it as long as nobody is taken for a double click."""
    visitor.page.locator("#desk:visible #item-text").wait_for(timeout=15_000)
    visitor.page.wait_for_timeout(READ)
    return visitor.page.locator("#item-text").inner_text()


def settles(visitor: Visitor) -> None:
    """Wait until the server has every answer."""
    deadline = time.monotonic() + 15
    while visitor.page.evaluate("Object.keys(localStorage).some(key => key.startsWith('riftwatch-answers'))"):
        assert time.monotonic() < deadline, "answers are still kept in the browser"
        visitor.page.wait_for_timeout(50)


def test_a_coder_codes_with_single_keys_undoes_and_notes(codes, codings):
    visitor = codes()
    before = len(codings("ana"))
    first = begins(visitor)
    assert visitor.page.evaluate("document.activeElement.id") == "item"
    visitor.page.keyboard.press("1")
    second = begins(visitor)
    assert second != first
    visitor.page.keyboard.press("b")  # the letter of both
    begins(visitor)
    visitor.page.keyboard.press("0")
    third = begins(visitor)
    settles(visitor)
    assert [value for value, _ in codings("ana")[before:]] == ["nationalist", "both"]

    visitor.page.keyboard.press("u")
    visitor.page.get_by_text("Taken back: unclear").wait_for()
    visitor.page.keyboard.press("u")
    visitor.page.get_by_text("Taken back: both").wait_for()
    assert begins(visitor) == second
    assert [value for value, _ in codings("ana")[before:]] == ["nationalist"]

    visitor.page.keyboard.press("n")
    assert visitor.page.evaluate("document.activeElement.id") == "note"
    visitor.page.keyboard.type("1 2 u 0: the rule on quoting")  # keys mean nothing while a note is typed
    assert begins(visitor) == second
    visitor.page.keyboard.press("Escape")
    visitor.page.keyboard.press("4")
    assert begins(visitor) != second
    settles(visitor)
    assert codings("ana")[before:][-1] == ("neither", "1 2 u 0: the rule on quoting")
    assert visitor.page.locator("#note").input_value() == ""
    assert third
    assert visitor.complaints == []


def test_a_double_click_and_a_held_key_code_one_text(codes, codings):
    visitor = codes()
    begins(visitor)
    before = len(codings("ana"))
    visitor.page.locator("button[data-value=neither]").dblclick()
    settles(visitor)
    assert len(codings("ana")) == before + 1
    begins(visitor)
    visitor.page.keyboard.down("3")
    visitor.page.keyboard.down("3")  # as a key that is held repeats
    visitor.page.keyboard.up("3")
    settles(visitor)
    assert len(codings("ana")) == before + 2


def test_two_windows_of_one_coder_make_no_second_coding(codes, codings):
    one, two = codes(), codes()
    assert begins(one) == begins(two)
    before = len(codings("ana"))
    one.page.keyboard.press("1")
    settles(one)
    two.page.keyboard.press("2")
    two.page.get_by_text("answered before").wait_for()
    settles(two)
    assert len(codings("ana")) == before + 1
    assert codings("ana")[-1][0] == "nationalist"


def test_answers_outlive_a_network_that_fails_and_a_page_that_is_left(codes, codings):
    visitor = codes()
    begins(visitor)
    before = len(codings("ana"))
    visitor.context.set_offline(True)
    visitor.page.keyboard.press("1")
    visitor.page.get_by_text("1 answer is kept in this browser").wait_for()
    begins(visitor)  # the texts that were fetched beforehand are there all the same
    visitor.page.keyboard.press("2")
    begins(visitor)
    visitor.page.keyboard.press("3")
    visitor.page.locator("#desk").wait_for(state="hidden")
    assert len(json.loads(visitor.page.evaluate("Object.values(localStorage).find(v => v.startsWith('['))"))) == 3
    assert len(codings("ana")) == before
    visitor.context.set_offline(False)
    visitor.page.reload()  # before it has tried again
    settles(visitor)
    assert [value for value, _ in codings("ana")[before:]] == ["nationalist", "universalist", "both"]


def test_keys_work_inside_airflows_frame(label_server, browser, codings):
    visitor = Visitor(browser, label_server, "light", "admin")
    try:
        before = len(codings("admin"))
        visitor.page.frames[-1].goto(f"{label_server}/rift/ui/m/harbour/label")
        text = visitor.frame.locator("#item-text")
        text.wait_for()
        visitor.page.wait_for_timeout(READ)
        read = text.inner_text()
        visitor.page.keyboard.press("0")
        visitor.frame.get_by_text("Answered: unclear").wait_for()
        assert text.inner_text() != read
        assert len(codings("admin")) == before
        visitor.page.wait_for_timeout(READ)
        visitor.page.keyboard.press("u")
        visitor.frame.get_by_text("Taken back: unclear").wait_for()
        assert text.inner_text() == read
        assert visitor.complaints == []
    finally:
        visitor.context.close()


def test_keys_can_be_switched_off(codes, codings):
    visitor = codes(user="admin")
    text = begins(visitor)
    visitor.page.get_by_label("single keys").uncheck()
    visitor.page.locator("#item").focus()
    visitor.page.keyboard.press("1")
    assert begins(visitor) == text
    assert codings("admin") == []
    visitor.page.get_by_label("single keys").check()


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_note_of_who_settles_outlives_what_refuses_it(codes, codings, status):
    visitor = codes("m/harbour/label/settle", user="ana")
    before = len(codings("ana"))
    visitor.page.locator("#note").fill("a rule that took long to write")
    sent = []

    def refuses(route):
        if route.request.method != "POST":
            return route.continue_()
        sent.append(route.request.post_data_json["note"])
        return route.fulfill(status=status, json={"detail": "Not now."})

    visitor.page.route("**/label/settle", refuses)
    visitor.page.locator("button[data-value=both]").click()
    visitor.page.get_by_text("Not now. Your note stands below.").wait_for()
    assert visitor.page.get_by_role("button", name="Show the next").count() == 0
    assert len(codings("ana")) == before
    visitor.page.reload()  # as after a log-in
    assert visitor.page.locator("#note").input_value() == "a rule that took long to write"
    visitor.page.locator("button[data-value=both]").click()
    with visitor.page.expect_response("**/label/settle"):
        visitor.page.get_by_role("button", name="Try again").click()
    visitor.page.get_by_text("Not now.").wait_for()
    assert sent == ["a rule that took long to write"] * 3


def test_a_note_waits_for_its_text_while_another_one_is_looked_at(codes):
    visitor = codes("m/harbour/label/settle", user="ana")
    read = visitor.page.locator("#dispute .text").inner_text()
    visitor.page.locator("#note").fill("half a thought")
    visitor.page.get_by_role("link", name="Another one").click()
    visitor.page.wait_for_function("was => document.querySelector('#dispute .text').innerText !== was", arg=read)
    assert visitor.page.locator("#note").input_value() == ""
    visitor.page.go_back()
    visitor.page.wait_for_function("was => document.querySelector('#dispute .text').innerText === was", arg=read)
    assert visitor.page.locator("#note").input_value() == "half a thought"
    # settled meanwhile: nothing is left to try, and the note is told before it goes
    refusal = {"status": 409, "json": {"detail": "Settled meanwhile."}}
    visitor.page.route(
        "**/label/settle",
        lambda route: route.fulfill(**refusal) if route.request.method == "POST" else route.continue_(),
    )
    visitor.page.locator("button[data-value=both]").click()
    visitor.page.get_by_text("Settled meanwhile. Your note was: half a thought").wait_for()
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("button", name="Show the next").click()
    assert visitor.page.locator("#note").input_value() == ""


def test_a_third_coder_settles(codes, codings):
    visitor = codes("m/harbour/label/settle", user="admin")
    number = int(visitor.page.locator("#counts").inner_text().split()[0])
    assert number >= 2
    assert visitor.page.get_by_text("One coder said").is_visible()
    visitor.page.locator("#note").fill("rule: both in one text")
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("3")
    visitor.page.get_by_text("Settled: both.").wait_for()
    assert int(visitor.page.locator("#counts").inner_text().split()[0]) == number - 1
    assert codings("admin") == [("both", "rule: both in one text")]


def test_the_note_of_a_text_that_is_lost_is_told_back(codes):
    visitor = codes()
    visitor.page.clock.install()
    visitor.page.reload()
    first = begins(visitor)
    visitor.page.locator("#note-button").click()
    visitor.page.locator("#note").fill("a remark in the making")

    def loses(route):
        route.fulfill(json={"kept": [], "lost": [route.request.post_data_json["items"][0]]})

    visitor.page.route("**/label/renew", loses, times=1)
    visitor.page.clock.fast_forward(6 * 60 * 1000)
    visitor.page.get_by_text("Your note was: a remark in the making").wait_for()
    assert begins(visitor) != first
    assert visitor.page.locator("#note").input_value() == ""


def test_nothing_left_says_what_to_do_and_a_queue_is_drawn(codes):
    visitor = codes("m/harbour/label?variable=framing&languages=sw")
    visitor.page.get_by_text("Nothing is left for you to code").wait_for()
    visitor.page.locator("#draw-form input[name=size]").fill("20")
    visitor.page.locator("#draw-form button").click()
    visitor.page.get_by_text("20 texts").wait_for()


def test_a_viewer_is_shown_no_text(codes):
    visitor = codes(user="vera")
    visitor.page.get_by_text("You may read this page and not code").wait_for()
    visitor.page.get_by_text("coded twice").first.wait_for()
    assert visitor.page.locator("#desk").count() == 0


PAGE_OF_A_PROXY = {"status": 200, "content_type": "text/html", "body": "<h1>Log in</h1>"}


@pytest.mark.parametrize("instead", [PAGE_OF_A_PROXY, {"status": 429, "body": ""}], ids=["log-in", "too many"])
def test_an_answer_that_something_else_took_is_kept_and_sent_again(codes, codings, instead):
    visitor = codes()
    begins(visitor)
    before = len(codings("ana"))
    visitor.page.route("**/label/answer", lambda route: route.fulfill(**instead))
    visitor.page.keyboard.press("1")
    visitor.page.get_by_text("1 answer is kept in this browser").wait_for()
    assert len(codings("ana")) == before
    visitor.page.unroute("**/label/answer")
    visitor.page.get_by_role("button", name="Try now").click()
    settles(visitor)
    assert [value for value, _ in codings("ana")[before:]] == ["nationalist"]


def test_who_is_logged_out_is_told_once(codes, codings):
    visitor = codes()
    begins(visitor)
    before = len(codings("ana"))
    refusal = {"status": 401, "json": {"detail": "Nobody is logged in."}}
    visitor.page.route("**/label/answer", lambda route: route.fulfill(**refusal))
    for key in "12":
        with visitor.page.expect_response("**/label/answer"):
            visitor.page.keyboard.press(key)
        begins(visitor)
    assert visitor.page.locator("#problems .note").count() == 1
    visitor.page.unroute("**/label/answer")
    visitor.page.get_by_role("button", name="Try again").click()
    settles(visitor)
    assert visitor.page.locator("#problems .note").count() == 0
    assert [value for value, _ in codings("ana")[before:]] == ["nationalist", "universalist"]


def test_a_text_that_was_answered_does_not_come_back(codes):
    visitor = codes()
    begins(visitor)
    with visitor.page.expect_response("**/label/next") as next_one:
        visitor.page.reload()
    late = next_one.value.body()
    first = begins(visitor)
    visitor.page.keyboard.press("1")
    begins(visitor)
    settles(visitor)
    visitor.page.route(
        "**/label/next", lambda route: route.fulfill(content_type="application/json", body=late), times=1
    )
    for _ in range(3):
        visitor.page.keyboard.press("s")
        assert begins(visitor) != first


def test_texts_are_not_kept_for_somebody_who_has_gone(codes):
    visitor = codes()
    visitor.page.clock.install()
    renewed = []
    visitor.page.on("request", lambda request: renewed.append(1) if request.url.endswith("/renew") else None)
    visitor.page.reload()
    begins(visitor)
    renewed.clear()
    visitor.page.clock.fast_forward(6 * 60 * 1000)
    visitor.page.wait_for_timeout(200)
    assert len(renewed) == 1
    for _ in range(6):
        visitor.page.clock.fast_forward(6 * 60 * 1000)
        visitor.page.wait_for_timeout(50)
    many = len(renewed)
    assert many <= 5
    visitor.page.clock.fast_forward(20 * 60 * 1000)
    visitor.page.wait_for_timeout(200)
    assert len(renewed) == many
    with visitor.page.expect_request("**/label/renew"):
        visitor.page.keyboard.press("Shift")


def test_an_answer_that_stays_is_said_and_the_one_before_can_be_taken_back(codes):
    visitor = codes()
    begins(visitor)
    for key in "12":
        visitor.page.keyboard.press(key)
        begins(visitor)
    settles(visitor)
    refusal = {"status": 409, "json": {"detail": "This answer stays."}}
    visitor.page.route("**/label/undo", lambda route: route.fulfill(**refusal), times=1)
    visitor.page.keyboard.press("u")
    visitor.page.get_by_text("This answer stays.").wait_for()
    visitor.page.keyboard.press("u")
    visitor.page.get_by_text("Taken back: nationalist").wait_for()


@pytest.mark.parametrize(("width", "height"), [(390, 800), (640, 450)])
def test_it_works_on_a_phone_and_at_200_percent_zoom(codes, width, height):
    visitor = codes(width=width, height=height)
    begins(visitor)
    needs, gives = visitor.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert needs <= gives
    # the bar of buttons is seen without scrolling, and leaves room for the text
    visitor.page.evaluate("document.getElementById('item').scrollIntoView()")
    bar = visitor.page.locator(".answers").bounding_box()
    assert bar["y"] + bar["height"] <= height + 1
    assert bar["height"] < 0.5 * height
    for button in visitor.page.locator(".answers button:visible").all():
        size = button.bounding_box()
        assert min(size["width"], size["height"]) >= 24


def violations(visitor: Visitor) -> None:
    """None of WCAG 2.2 A and AA, with a text on the page."""
    options = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}}
    found = Axe().run(visitor.page, options=options).response["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pictures_to_be_looked_at_and_axe_finds_nothing(codes, mode, width):
    visitor = codes(mode=mode, user="admin", width=width)
    begins(visitor)
    visitor.page.get_by_text("coded twice").first.wait_for()
    violations(visitor)
    visitor.shoots(f"label-{width}")
    visitor.opens("m/harbour/label/settle")
    visitor.page.locator("#counts").wait_for()
    violations(visitor)
    visitor.shoots(f"settle-{width}")
    visitor.opens("m/harbour/label?languages=sw")
    visitor.page.get_by_text("Nothing is left").wait_for()
    violations(visitor)
    visitor.shoots(f"label-empty-{width}")
    assert visitor.complaints == []


def test_after_the_last_answer_the_agreement_is_asked_for_until_that_answer_is_in_it(codes):
    visitor = codes()
    begins(visitor)
    told = {
        "language": "all", "texts": 9, "codings": 18, "percent": 0.9, "low": 0.5, "high": 0.9, "verdict": "so so",
        "newest": 20000,
    }  # fmt: skip
    kept = [told | {"alpha": 0.7, "behind": 1}, told | {"alpha": 0.8, "behind": None}]
    visitor.page.route("**/label/agreement?*", lambda route: route.fulfill(json=[kept.pop(0) if kept[1:] else kept[0]]))
    visitor.page.keyboard.press("0")
    visitor.page.get_by_text("The newest answers are being counted.").wait_for()
    assert "α 0.700" in visitor.page.locator("#agreement").inner_text()
    assert "Of the newest 20,000 codings; there are more" in visitor.page.locator("#agreement").inner_text()
    visitor.page.get_by_text("α 0.800").wait_for()  # though nobody has answered since
    assert "being counted" not in visitor.page.locator("#agreement").inner_text()
