"""Who gets in, and what the browser is told, on every route."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]


def addresses(pages, ids) -> list[str]:
    """One real address for every route; a route without one fails the test until it is named here."""
    values = {
        "monitor": "harbour",
        "a": "heron",
        "b": "maple",
        "chart": "gap",
        "name": "style.css",
        "source": "heron-news",
        "document_id": str(ids["heron-en"]),
    }
    made = []
    for route in pages.routes:
        assert isinstance(route, APIRoute), f"{route} is no route of FastAPI: the app's dependency would not protect it"
        address = route.path
        for name, value in values.items():
            address = address.replace(f"{{{name}}}", value)
        assert "{" not in address, f"name a value for {route.path} in this test"
        made.append(address + ("?group=heron&start=2025-01-01&end=2025-04-01" if address.endswith("texts") else ""))
    assert len(made) > 8
    return made


def test_the_entry_point_puts_the_pages_and_the_side_bar_entry_into_airflow(airflow_app):
    from airflow.plugins_manager import _get_ui_plugins

    assert any(getattr(r, "path", "") == "/rift" for r in airflow_app[0].routes)
    views, _ = _get_ui_plugins()
    assert [v["href"] for v in views if v["name"] == "Riftwatch"] == ["rift/ui/"]


def test_every_route_refuses_whom_it_does_not_know_and_shows_a_viewer_the_page(
    airflow_app, client, token, review_store
):
    for address in addresses(airflow_app[1], review_store[1]):
        assert client.get("/rift" + address).status_code == 401, address
        assert client.get("/rift" + address, headers={"Authorization": "Bearer nonsense"}).status_code == 403, address
        assert client.get("/rift" + address, headers=token(None)).status_code == 403, address
        assert client.get("/rift" + address, headers=token("viewer")).status_code in (200, 307), address


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
    answers = [client.get("/rift" + a, headers=token("viewer")) for a in addresses(airflow_app[1], review_store[1])]
    answers += [client.get("/rift/ui/"), client.get("/rift/nothing"), client.post("/rift/ui/")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self';"), answer.url
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_methods_that_could_change_something_are_refused_from_everybody(client, token, method):
    answer = client.request(method, "/rift/ui/", headers=token("admin") | {"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


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
