"""An address becomes a source: by its feed, its sitemap, its list of links, or not at all, and says why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.kinds.likely_links import likely_links
from pipeline.collect.kinds.listing_page import soup_of
from pipeline.collect.proposing import ProposalError, propose, source_yaml
from pipeline.monitor import Monitor, load_monitor

TITLES = ("The harbour opens its gates again", "What the council said on Thursday", "A letter to all the fishermen")
FEED = (
    "<rss version='2.0'><channel><title>News</title>"
    + "".join(f"<item><title>{t}</title><link>{{}}/text/{n}</link></item>" for n, t in enumerate(TITLES))
    + "</channel></rss>"
)
LIST = "".join(f"<div class='entry'><h2><a href='/text/{n}'>{t}</a></h2></div>" for n, t in enumerate(TITLES))
NAVIGATION = (
    "<nav><ul>" + "".join(f"<li><a href='/s/{n}'>Section number {n} of many</a></li>" for n in range(9)) + "</ul></nav>"
)


def watching(*host_ports: str) -> Monitor:
    return Monitor.model_validate(
        {
            "name": "m",
            "title": "A monitor",
            "groups": [{"id": "heron", "name": "Heron"}],
            "sources": [{"id": "127-0-0-1", "kind": "feed", "speaker": "observer", "addresses": ["http://a.example/"]}],
            "allowed_addresses": list(host_ports),
        }
    )


@pytest.fixture
def quick(settings):
    return settings.model_copy(update={"default_delay": 0.0})


@pytest.fixture
def site(new_site):
    made = new_site()
    for number, title in enumerate(TITLES):
        made.article(f"/text/{number}", title)
    return made


def ask(settings, site, path="/", **more):
    whose = {"group": "heron", "speaker": "own"} | more
    return propose(settings, watching(site.host_port), site.address + path, **whose)


def test_a_feed_that_the_page_names_is_taken(quick, site, tmp_path):
    site.add("/", f"<html><head><link rel=alternate type=application/rss+xml href=/news.rss></head>{LIST}</html>")
    site.add("/news.rss", FEED.replace("{}", site.address), type="application/rss+xml")
    found = ask(quick, site)
    assert found.entry["kind"] == "feed"
    assert found.entry["addresses"] == [f"{site.address}/news.rss"]
    assert [link.title for link in found.trial.links] == list(TITLES)
    assert TITLES[0] in found.trial.text.text

    # what is given is what a monitor's file takes
    file = tmp_path / "m.yaml"
    file.write_text(
        "name: m\ntitle: A monitor\ngroups: [{id: heron, name: Heron}]\nsources:\n" + found.yaml, encoding="utf-8"
    )
    source = load_monitor(file).source(found.entry["id"])
    assert source.id == "127-0-0-1-2" or source.id.startswith("source-")
    assert (source.group, source.speaker) == ("heron", "own")


def test_the_address_of_a_feed_itself(quick, site):
    site.add("/f", FEED.replace("{}", site.address), type="application/rss+xml")
    assert ask(quick, site, "/f").entry["addresses"] == [f"{site.address}/f"]


def test_a_page_without_a_feed_is_a_list_of_links(quick, site):
    site.add(
        "/",
        f"<html><body>{NAVIGATION}{LIST}<footer><a href=/legal>All about our legal things</a></footer></body></html>",
    )
    found = ask(quick, site)
    assert found.entry["kind"] == "listing"
    assert {link.address for link in found.trial.links} == {f"{site.address}/text/{n}" for n in range(3)}


def test_a_site_with_a_sitemap_only(quick, site):
    site.add("/", "<html><body><p>Nothing to see here.</p></body></html>")
    locations = "".join(f"<url><loc>{site.address}/text/{n}</loc></url>" for n in range(3))
    site.add("/sitemap.xml", f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{locations}</urlset>")
    found = ask(quick, site)
    assert found.entry["kind"] == "sitemap"
    assert len(found.tried) > 1


def test_nothing_is_found_and_what_was_looked_for_is_said(quick, site):
    site.add("/", "<html><body><p>Nothing to see here.</p></body></html>")
    found = ask(quick, site)
    assert (found.entry, found.yaml) == (None, "")
    assert any("sitemap.xml" in said for said in found.tried)


def test_what_may_not_be_fetched_is_not(quick, site, new_site):
    inside = new_site()
    inside.add("/", FEED)
    site.add("/away", "", status=302, location=f"{inside.address}/")
    for address, said in (
        (f"{inside.address}/", "127.0.0.1"),
        (f"{site.address}/away", "127.0.0.1"),
        ("http://localhost/", "localhost"),
        ("http://[::1]/", "::1"),
        ("http://169.254.169.254/latest", "169.254"),
    ):
        found = propose(quick, watching(site.host_port), address, group=None, speaker="observer")
        assert found.entry is None, address
        assert said in found.tried[0], found.tried
    assert inside.requests == []


def test_robots_txt_is_obeyed(quick, site):
    site.add("/robots.txt", "User-agent: *\nDisallow: /", type="text/plain")
    site.add("/", LIST)
    found = ask(quick, site)
    assert found.entry is None
    assert "robots.txt forbids" in found.tried[0]
    assert site.asked("/text") == []


def test_a_slow_site_is_left_in_time(quick, site):
    import time

    site.add("/", lambda handler: time.sleep(3))
    began = time.monotonic()
    found = propose(quick, watching(site.host_port), site.address, group=None, speaker="observer", seconds=2)
    assert found.entry is None
    assert time.monotonic() - began < 12


@pytest.mark.parametrize(
    ("address", "group", "speaker", "said"),
    [
        ("", None, "observer", "no web address"),
        ("javascript:alert(1)", None, "observer", "no web address"),
        ("file:///etc/passwd", None, "observer", "no web address"),
        ("a.example", None, "own", "who speaks"),
        ("a.example", "nobody", "own", "no group 'nobody'"),
        ("a.example", None, "everybody", "choose own or observer"),
    ],
)
def test_what_can_t_be_asked_is_said(quick, address, group, speaker, said):
    with pytest.raises(ProposalError, match=said):
        propose(quick, watching(), address, group=group, speaker=speaker)


@given(st.text(max_size=300))
def test_no_page_is_too_broken_for_a_list_of_links(text):
    likely = likely_links(soup_of(text), "https://a.example/")
    assert likely is None or likely.links >= 3


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufeff"), max_size=60))
def test_whatever_an_address_holds_the_yaml_says_the_same(text):
    from ruamel.yaml import YAML

    entry = {"id": "x", "kind": "listing", "addresses": [f"https://a.example/{text}"], "link_selector": text}
    assert YAML(typ="safe").load(source_yaml(entry))[0] == entry
