import json
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.collect.trying import try_source
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Document, Frontier, Place, Run

LISTING = {
    "kind": "listing",
    "link_selector": ".post h2 a",
    "item_selector": ".post",
    "item_title_selector": "h2",
    "item_date_selector": ".day",
    "date_format": "%d/%m/%Y",
    "exclude": "/5$",
}


def listing(links, more=""):
    posts = "".join(
        f'<div class="post"><h2><a href="{link}">Post {i}</a></h2><span class="day">0{i + 1}/04/2009</span></div>'
        for i, link in enumerate(links)
    )
    return f'<html><head><link rel="next" href="/list/2"></head><body>{posts}{more}</body></html>'


@pytest.fixture
def blog(site):
    links = [f"/post/{i}" for i in range(6)]
    for link in links:
        site.article(link, f"the road of {link} and its bridges")
    site.add("/list", listing(links))
    return site


def kept_rows(settings):
    with open_session(settings) as session:
        return [session.scalar(select(func.count()).select_from(t)) for t in (Document, Frontier, Capture, Place, Run)]


def test_a_listing_shows_its_links_dates_next_page_and_a_text(settings, blog, watch):
    monitor = watch(blog, **LISTING, addresses=[blog.address + "/list"], text_selector="article", title_selector="h7")
    trial = try_source(settings, monitor, "letters")
    assert [link.address for link in trial.kept] == [f"{blog.address}/post/{i}" for i in range(5)]
    assert [link.address for link in trial.left_out] == [f"{blog.address}/post/5"]
    assert (trial.links[1].title, trial.links[1].written) == ("Post 1", "02/04/2009")
    assert f"{trial.links[1].date:%Y-%m-%d}" == "2009-04-02"
    assert trial.next_page == f"{blog.address}/list/2"
    assert trial.text.title == "Post 0"
    assert {one.origin for one in trial.text.dates} == {"meta", "listing"}
    found = {one.name: one for one in trial.selected}
    assert (found["link_selector"].count, found["item_date_selector"].found) == (6, "01/04/2009")
    assert found["text_selector"].count == 1
    assert found["text_selector"].own.startswith("the road of /post/0")
    assert found["title_selector"].count == 0
    # one page of each kind, and robots.txt; nothing is kept
    assert blog.asked() == ["/robots.txt", "/list", "/post/0"]
    assert kept_rows(settings) == [0, 0, 0, 0, 0]


def test_a_selector_that_finds_nothing_is_shown_with_what_is_near(settings, blog, watch):
    wrong = {**LISTING, "link_selector": "ul.list .posts h2 a", "item_selector": ".posts"}
    trial = try_source(settings, watch(blog, **wrong, addresses=[blog.address + "/list"]), "letters")
    mends = {one.name: one.mend for one in trial.selected}
    assert "the page has no class 'posts'; near it: post" in mends["link_selector"]
    assert "'h2 a' alone finds 6" in mends["link_selector"]
    assert any("link_selector" in problem for problem in trial.problems)
    assert trial.links == []


def test_it_obeys_robots_txt_and_keeps_the_pace(settings, blog, watch):
    blog.add("/robots.txt", "User-agent: *\nDisallow: /post\nCrawl-delay: 0.3", type="text/plain")
    trial = try_source(settings, watch(blog, **LISTING, addresses=[blog.address + "/list"]), "letters")
    assert blog.asked() == ["/robots.txt", "/list"]
    assert blog.gaps()[0] >= 0.3
    assert any("robots.txt forbids" in problem for problem in trial.problems)


def test_a_page_that_leaves_no_text_and_an_address_of_ones_own(settings, blog, watch):
    blog.add("/picture", b"\x89PNG\r\n\x1a\n" + bytes(50), type="image/png")
    monitor = watch(blog, **LISTING, addresses=[blog.address + "/list"])
    trial = try_source(settings, monitor, "letters", address=blog.address + "/picture")
    assert trial.text.problem.startswith("no text would be stored")
    assert "/list" not in blog.asked()


def test_a_page_on_the_disk_needs_no_network(settings, blog, watch):
    monitor = watch(blog, **LISTING, addresses=["https://outlet.example/list"])
    trial = try_source(settings, monitor, "letters", page=listing(["/post/1", "/post/2"]).encode())
    assert [link.address for link in trial.kept] == ["https://outlet.example/post/1", "https://outlet.example/post/2"]
    assert blog.requests == []


def test_a_sitemap_index_is_followed_to_its_first_files(settings, blog, watch):
    blog.add("/index.xml", "<sitemapindex>" + "".join(f"<sitemap><loc>/{i}.xml</loc></sitemap>" for i in range(9)))
    for i in range(9):
        blog.add(
            f"/{i}.xml", f"<urlset><url><loc>/post/{i % 6}</loc><lastmod>2009-04-0{i + 1}</lastmod></url></urlset>"
        )
    monitor = watch(blog, kind="sitemap", addresses=[blog.address + "/index.xml"], include="/post/1")
    trial = try_source(settings, monitor, "letters")
    assert blog.asked("/")[1:] == ["/index.xml", "/0.xml", "/1.xml", "/post/1"]
    assert (len(trial.kept), len(trial.left_out), trial.more) == (1, 1, True)
    assert trial.kept[0].written == "2009-04-02"


def test_the_first_rows_of_a_table(settings, watch, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("id,text,date\n1,Words of the valley,2009-04-03\n2,More words,2009-04-04\n")
    columns = {"id": "id", "text": "text", "date": "date"}
    trial = try_source(settings, watch(kind="table", path=str(file), columns=columns), "letters")
    assert [f"{link.date:%Y-%m-%d}" for link in trial.links] == ["2009-04-03", "2009-04-04"]
    assert trial.text.text == "Words of the valley"


MONITOR = """
name: m
title: T
groups: [{id: home, name: Home}]
sources:
  - {id: letters, group: home, speaker: own, kind: listing, addresses: ["https://outlet.example/list"],
     link_selector: ".post a", item_selector: .post, item_date_selector: .day}
"""


def test_the_command_prints_for_people_and_for_programs(tmp_path, monkeypatch):
    monkeypatch.setenv("RIFTWATCH_DATA", str(tmp_path / "data"))
    (tmp_path / "m.yaml").write_text(MONITOR)
    page = Path(tmp_path / "list.html")
    page.write_text(listing(["/post/1", "/post/2"]))
    arguments = ["source", "try", str(tmp_path / "m.yaml"), "letters", "--page", str(page)]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    assert "2 links; 0 more are left out" in shown.output
    assert "date: 01/04/2009 -> can't be read; write date_format or date_languages" in shown.output
    assert "next page: https://outlet.example/list/2" in shown.output
    trial = json.loads(CliRunner().invoke(app, [*arguments, "--format", "json"]).output)
    assert [link["address"] for link in trial["links"]] == [f"https://outlet.example/post/{i}" for i in (1, 2)]
    page.write_text("<html><head><script src='app.js'></script></head><body></body></html>")
    empty = CliRunner().invoke(app, arguments)
    assert empty.exit_code == 1
    assert "may be built by scripts" in empty.output
    unknown = CliRunner().invoke(app, [*arguments[:3], "nope"])
    assert unknown.exit_code == 1
    assert "no source 'nope' in m; there are letters" in unknown.output
