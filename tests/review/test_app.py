"""Who gets in, and what the browser is told, on every route."""

from __future__ import annotations

import gc

import pytest
from fastapi.routing import APIRoute

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]


VALUES = {
    "monitor": "harbour",
    "a": "heron",
    "b": "maple",
    "chart": "gap",
    "name": "style.css",
    "source": "heron-news",
    "model": "framing-2026-01-01",
    "form": "csv",
}
"""What stands in an address for each of its parts; a route with another part fails the test until it is named here."""


def addresses(pages, ids) -> list[tuple[str, str]]:
    """One method and real address for every route."""
    values = VALUES | {"document_id": str(ids["heron-en"])}
    made = []
    for route in pages.routes:
        assert isinstance(route, APIRoute), f"{route} is no route of FastAPI: the app's dependency would not protect it"
        address = route.path
        for name, value in values.items():
            address = address.replace(f"{{{name}}}", value)
        assert "{" not in address, f"name a value for {route.path} in this test"
        address += "?group=heron&start=2025-01-01&end=2025-04-01" if address.endswith("texts") else ""
        address += "?period=2025-Q1" if address.endswith("/explain") else ""
        made += [(method, address) for method in route.methods]
    assert len(made) > 8
    return made


def test_the_entry_point_puts_the_pages_and_the_side_bar_entry_into_airflow(airflow_app):
    from airflow.plugins_manager import _get_ui_plugins

    assert any(getattr(r, "path", "") == "/rift" for r in airflow_app[0].routes)
    views, _ = _get_ui_plugins()
    assert [v["href"] for v in views if v["name"] == "Riftwatch"] == ["rift/ui/"]


OWN = {"Origin": "http://testserver"}


def test_every_route_refuses_whom_it_does_not_know_and_lets_a_viewer_only_read(
    airflow_app, client, token, review_store
):
    for method, address in addresses(airflow_app[1], review_store[1]):

        def status(headers, method=method, address=address) -> int:
            return client.request(method, "/rift" + address, headers=OWN | headers).status_code

        assert status({}) == 401, address
        assert status({"Authorization": "Bearer nonsense"}) == 403, address
        assert status(token(None)) == 403, address
        if method == "GET":
            assert status(token("viewer")) in (200, 307), address
        else:
            assert status(token("viewer")) == 403, address
            # a user is let in; what is said without a body is that there is none
            assert status(token("user")) in (200, 201, 204, 303, 404, 409, 422), address


def test_a_route_added_later_is_protected_without_being_told(airflow_app, client, token):
    pages = airflow_app[1]
    pages.add_api_route("/ui/later", lambda: "secret")
    try:
        assert client.get("/rift/ui/later").status_code == 401
        assert client.get("/rift/ui/later", headers=token("viewer")).text == '"secret"'
    finally:
        pages.router.routes.pop()


def test_the_schema_and_its_viewers_are_not_served(get):
    for address in ("/docs", "/redoc", "/openapi.json"):
        assert get(address).status_code == 404


def test_every_answer_carries_the_policy(airflow_app, client, token, review_store):
    answers = [
        client.request(method, "/rift" + a, headers=token("viewer"))
        for method, a in addresses(airflow_app[1], review_store[1])
    ]
    answers += [client.get("/rift/ui/"), client.get("/rift/nothing"), client.post("/rift/ui/")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, answer.url
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.fixture
def changing(airflow_app):
    """An address that changes something, added without any protection of its own."""
    pages = airflow_app[1]
    pages.add_api_route("/api/v1/later", lambda: "changed", methods=["POST"])
    yield "/rift/api/v1/later"
    pages.router.routes.pop()


def test_who_may_only_read_changes_nothing(client, token, changing):
    assert client.post(changing, headers=token("viewer")).status_code == 403
    assert client.post(changing, headers=token(None)).status_code == 403
    assert client.post(changing, headers={"Origin": "http://testserver"}).status_code == 401
    assert client.post(changing, headers=token("user")).text == '"changed"'


def test_another_site_can_make_a_browser_change_nothing(client, token, changing):
    session = {"Cookie": "_token=" + token("user")["Authorization"].removeprefix("Bearer ")}
    for said, status in (
        ({}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://testserver"}, 200),
    ):
        assert client.post(changing, headers=session | said).status_code == status, said


class Sent:
    """A body in pieces, which says nothing of its length; counts how many were asked for."""

    def __init__(self, pieces: int) -> None:
        self.pieces, self.asked = pieces, 0

    def __iter__(self):
        for _ in range(self.pieces):
            self.asked += 1
            yield b" " * 100_000


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/api/v1/monitors/harbour/propose-source", "application/json"),
        ("/ui/m/harbour/new-source", "application/x-www-form-urlencoded"),
        ("/ui/m/harbour/new-source", "multipart/form-data; boundary=x"),
    ],
)
def test_a_large_body_is_refused_in_words_before_it_is_parsed(client, token, address, kind):
    headers = OWN | {"Content-Type": kind}
    for body in (b" " * 1_000_001, iter(Sent(11))):
        # whoever sends it: the body is read before it is asked who that is
        answer = client.post("/rift" + address, content=body, headers=headers)
        assert answer.status_code == 413
        said = answer.json()["detail"] if kind == "application/json" else answer.text
        assert "larger than 1,000,000 bytes" in said
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    usual = client.post("/rift" + address, content=b" " * 1000, headers=headers | token("user"))
    assert usual.status_code in (400, 422)


def test_no_more_of_a_large_body_is_read_than_its_bound():
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from starlette.datastructures import Headers
    from starlette.exceptions import HTTPException

    from pipeline.review.guard import MOST_SENT, bounded

    async def read(headers: dict[str, str]) -> tuple[int, int]:
        body = Sent(1_000)
        pieces = iter(body)

        async def receive():
            return {"type": "http.request", "body": next(pieces), "more_body": True}

        counted = bounded(receive, Headers(headers))
        try:
            while True:
                await counted()
        except HTTPException as error:
            return error.status_code, body.asked

    with ThreadPoolExecutor(1) as aside:  # a browser of other tests may hold this thread's loop
        assert aside.submit(asyncio.run, read({})).result() == (413, MOST_SENT // 100_000 + 1)
        assert aside.submit(asyncio.run, read({"content-length": str(MOST_SENT + 1)})).result() == (413, 1)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_page_that_only_reads_takes_no_other_method(client, token, method):
    assert client.request(method, "/rift/ui/", headers=token("admin")).status_code == 405


def test_head_is_answered_like_get_without_a_body(client, token):
    told = client.request("HEAD", "/rift/ui/", headers=token("viewer"))
    assert told.status_code == 200
    assert "text/html" in told.headers["content-type"]
    assert told.text == ""
    assert client.request("HEAD", "/rift/ui/").status_code == 401


def test_a_fault_is_told_in_words_and_carries_the_policy(airflow_app, token):
    from starlette.testclient import TestClient

    def fault():
        raise OverflowError("secret detail")

    pages = airflow_app[1]
    pages.add_api_route("/ui/fault", fault)
    try:
        client = TestClient(airflow_app[0], raise_server_exceptions=False)
        answer = client.get("/rift/ui/fault", headers=token("viewer"))
    finally:
        pages.router.routes.pop()
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "secret detail" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_an_ended_session_is_told_in_words(client):
    answer = client.get("/rift/ui/")
    assert "Log in to Airflow" in answer.text
    assert "text/html" in answer.headers["content-type"]


def test_a_database_that_does_not_open_is_told_in_words(tmp_path, airflow_app, client, token):
    from pipeline.settings import Settings

    pages, real = airflow_app[1], airflow_app[1].state.settings
    (tmp_path / "file").write_text("")
    (tmp_path / "broken.db").write_text("no database at all, only some text that is long enough to be read as a header")
    pages.state.settings = Settings(data=tmp_path, database_url=f"sqlite:///{tmp_path / 'no'}", monitors=real.monitors)
    (tmp_path / "no").mkdir()
    try:
        answer = client.get("/rift/ui/", headers=token("viewer"))
    finally:
        pages.state.settings = real
    assert answer.status_code == 503
    assert "can&#39;t open the database" in answer.text


def test_what_stays_is_left_out_of_the_collectors_rounds(airflow_app):
    """Or a page with many rows would wait for a walk over all that Airflow holds."""
    assert gc.get_freeze_count() > 100_000
