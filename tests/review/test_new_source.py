"""Trying an address from the pages: who may, what comes of it, what is kept of what was typed."""

from __future__ import annotations

import pytest

from tests.collect.conftest import new_site
from tests.review.test_app import OWN

__all__ = ["new_site"]

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

PAGE = "/rift/ui/m/harbour/new-source"
LIST = "".join(f"<h2><a href='/text/{n}'>The council of the harbour said, {n}</a></h2>" for n in range(5))


@pytest.fixture
def on_loopback(monkeypatch, new_site):
    """A site that the monitor's file allows, as a demo's does; every other inner address stays forbidden."""
    from pipeline.monitor import Monitor
    from pipeline.review.pages import sources

    site = new_site()
    site.add("/", f"<html><body>{LIST}</body></html>")
    site.article("/text/0", "The council of the harbour")
    real = sources.propose

    def allowing(settings, monitor: Monitor, address, **more):
        allowed = monitor.model_copy(update={"allowed_addresses": [site.host_port]})
        return real(settings.model_copy(update={"default_delay": 0.0}), allowed, address, **more)

    monkeypatch.setattr(sources, "propose", allowing)
    return site


def post(client, token, role="user", **typed):
    return client.post(PAGE, data=typed, headers=OWN | token(role))


def test_an_address_becomes_lines_for_the_file(client, token, on_loopback):
    text = post(client, token, address=on_loopback.address, group="heron", speaker="own").text
    assert "link_selector: h2 a" in text
    assert "group: heron" in text
    assert "The council of the harbour said, 4" in text
    assert "The first text, as it would be stored" in text
    assert f"A feed at {on_loopback.address}/feed: HTTP 404." in text
    asked = {"address": on_loopback.address, "group": "heron", "speaker": "own"}
    told = client.post("/rift/api/v1/monitors/harbour/propose-source", json=asked, headers=token("user")).json()
    assert len(told["links"]) == 5
    assert "link_selector: h2 a" in told["source_yaml"]


def test_only_who_may_write_looks(client, token, on_loopback):
    assert post(client, token, role="viewer", address=on_loopback.address).status_code == 403
    assert "Your account reads only" in client.get(PAGE, headers=token("viewer")).text
    assert on_loopback.requests == []


def test_addresses_inside_the_network_are_refused(client, token):
    for address in ("http://127.0.0.1:9/", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/"):
        text = post(client, token, address=address, group="heron", speaker="own").text
        assert "Nothing was found that can be collected" in text, address


def test_what_was_typed_is_kept_with_what_is_wrong(client, token):
    answer = post(client, token, address='ftp://"><script>x</script>', group="maple", speaker="own")
    assert answer.status_code == 422
    assert "no web address" in answer.text
    assert 'value="ftp://&#34;&gt;&lt;script&gt;x&lt;/script&gt;"' in answer.text
    assert '<option value="maple" selected>' in answer.text
    assert "who speaks" in post(client, token, address="a.example").text.lower()


def test_what_is_too_long_is_told_beside_the_form_too(client, token):
    long = "https://a.example/" + "a" * 2000
    answer = post(client, token, address=long, group="maple", speaker="observer")
    assert answer.status_code == 422
    assert "The address has 2,018 characters and may have 2,000" in answer.text
    assert f'value="{long}"' in answer.text
    assert '<option value="maple" selected>' in answer.text
    assert '<option value="observer" selected>' in answer.text
    answer = post(client, token, address="https://a.example/", group="g" * 61)
    assert (answer.status_code, 'value="https://a.example/"' in answer.text) == (422, True)


def test_one_address_at_a_time(client, token):
    from pipeline.review.pages import sources

    with sources._one_at_a_time:
        answer = post(client, token, address="a.example", group="heron")
    assert answer.status_code == 422
    assert "try again in half a minute" in answer.text


def test_a_source_s_page_leads_into_airflow(client, token):
    text = client.get("/rift/ui/m/harbour/sources/heron-news", headers=token("user")).text
    assert 'data-run-dag="collect__harbour__heron-news"' in text
    assert "dags/collect__harbour__heron-news/backfills" in text
