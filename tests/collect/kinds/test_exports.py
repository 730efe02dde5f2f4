import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pipeline.collect.job import collect
from pipeline.collect.kinds.exports import EXPORTS
from pipeline.store.session import open_session
from pipeline.store.tables import Document

WHEN = datetime(2024, 3, 9, 12, 30, tzinfo=UTC)
SECONDS = int(WHEN.timestamp())


def around(platform, data):
    """An item as the browser extension writes it."""
    return {
        "nav_index": "1:2:0",
        "item_id": "x",
        "timestamp_collected": 1_710_000_000_000,
        "source_platform": platform,
        "source_platform_url": f"https://www.{platform}/",
        "source_url": f"https://www.{platform}/api",
        "data": data,
    }


POST = "The bread of the land, says the committee, & its salt."
ITEMS = {
    "twitter.com": (
        {
            "rest_id": "77",
            "legacy": {
                "full_text": POST.replace("&", "&amp;"),
                "created_at": "Sat Mar 09 12:30:00 +0000 2024",
                "lang": "en",
            },
            "core": {"user_results": {"result": {"legacy": {"screen_name": "committee"}}}},
        },
        "https://x.com/committee/status/77",
    ),
    "x.com": (
        {
            "rest_id": "78",
            "legacy": {"full_text": "The bread of the…", "created_at": "Sat Mar 09 12:30:00 +0000 2024"},
            "note_tweet": {"note_tweet_results": {"result": {"text": POST}}},
            "core": {"user_results": {"result": {"core": {"screen_name": "committee"}, "legacy": {}}}},
        },
        "https://x.com/committee/status/78",
    ),
    "instagram.com": (
        {"id": "1", "code": "Cx", "taken_at": SECONDS, "caption": {"text": POST}, "user": {"username": "committee"}},
        "https://www.instagram.com/p/Cx/",
    ),
    "threads.com": (
        {"id": "1", "code": "Dx", "taken_at": SECONDS, "caption": {"text": POST}, "user": {"username": "committee"}},
        "https://www.threads.com/@committee/post/Dx",
    ),
    "tiktok.com": (
        {"id": "5", "desc": POST, "createTime": str(SECONDS), "author": {"uniqueId": "committee"}},
        "https://www.tiktok.com/@committee/video/5",
    ),
    "truthsocial.com": (
        {
            "id": "9",
            "content": f"<p>{POST.replace('&', '&amp;')}</p>",
            "created_at": "2024-03-09T12:30:00.000Z",
            "url": "https://truthsocial.com/@committee/9",
            "account": {"acct": "committee"},
        },
        "https://truthsocial.com/@committee/9",
    ),
}


def documents(settings, watch, path, **fields):
    report = collect(settings, watch(kind="table", path=path, **fields), "letters")
    with open_session(settings) as session:
        return report, session.scalars(select(Document).order_by(Document.id)).all()


@pytest.mark.parametrize("platform", ITEMS)
def test_an_item_of_every_platform(settings, watch, tmp_path, platform):
    item, address = ITEMS[platform]
    path = tmp_path / "items.ndjson"
    path.write_text(json.dumps(around(platform, item)) + "\n", encoding="utf-8")
    report, (document,) = documents(settings, watch, path, export="zeeschuimer")
    assert (report.new, report.failed) == (1, 0)
    assert (document.text, document.published_at) == (POST, WHEN)
    assert (document.address, document.published_origin) == (address, "table")


def test_the_same_items_as_4cat_keeps_them(settings, watch, tmp_path):
    path = tmp_path / "items.ndjson"
    lines = [{**item, "__import_meta": {"source_platform": platform}} for platform, (item, _) in ITEMS.items()]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    report, found = documents(settings, watch, path, export="4cat")
    assert report.failed == 0
    assert [one.address for one in found] == [address for _, address in ITEMS.values()]
    assert len({one.cluster_id for one in found}) == 1  # one text, published by six outlets


def test_wrong_items_are_said_by_line(settings, watch, tmp_path):
    path = tmp_path / "items.ndjson"
    lines = [
        around("linkedin.com", {"id": "1"}),
        around("tiktok.com", {"id": "2"}),
        {"no": "item"},
        around("tiktok.com", ITEMS["tiktok.com"][0] | {"createTime": "soon"}),
        around("tiktok.com", ITEMS["tiktok.com"][0] | {"desc": ""}),
        around("tiktok.com", ITEMS["tiktok.com"][0]),
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    report, found = documents(settings, watch, path, export="zeeschuimer")
    assert (report.new, report.failed, len(found)) == (1, 5, 1)
    said = "\n".join(report.problems)
    for line, word in (
        (1, "items of linkedin.com can't be read"),
        (2, "an item of tiktok.com in an unknown form (KeyError: 'createTime')"),
        (3, "no item of Zeeschuimer"),
        (4, "the time 'soon'"),
        (5, "no text"),
    ):
        assert f"items.ndjson line {line}: left out: {word}" in said


def four_cat(rows):
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def test_messages_of_telegram_chats_as_4cat_writes_them(settings, watch, tmp_path):
    message = {"id": 5, "thread_id": "front", "chat": "front_news", "author_name": "", "body": POST}
    # the written time is the clock of the server's place; the number is exact
    time = {"timestamp": "2024-03-09 13:30:00", "unix_timestamp": SECONDS}
    other = {**message, "chat": "other_news", "body": "Another letter altogether, about the harvest of the valley."}
    path = tmp_path / "chats.csv"
    path.write_text(four_cat([{**message, **time}, {**other, **time}]), encoding="utf-8")
    report, found = documents(
        settings,
        watch,
        path,
        export="4cat",
        columns={"group": "chat", "source": "chat"},
        groups={"front_news": "home", "other_news": "abroad"},
        group=None,
    )
    assert (report.new, report.failed) == (2, 0)
    assert [one.address for one in found] == ["https://t.me/front_news/5", "https://t.me/other_news/5"]
    assert [one.group_id for one in found] == ["home", "abroad"]
    assert [one.source for one in found] == ["letters/front_news", "letters/other_news"]
    assert {one.published_at for one in found} == {WHEN}


def test_posts_of_a_forum_as_4cat_writes_them(settings, watch, tmp_path):
    rows = [
        {
            "id": "a1",
            "thread_id": "a1",
            "timestamp": "2024-03-09 12:30:00",
            "subject": "Bread",
            "body": POST,
            "author": "x",
        },
        {
            "id": "a2",
            "thread_id": "a1",
            "timestamp": "2024-03-09 12:40:00",
            "subject": "",
            "body": "No, salt.",
            "author": "y",
        },
    ]
    path = tmp_path / "posts.csv"
    path.write_text("\ufeff" + four_cat(rows), encoding="utf-8")
    _, (first, second) = documents(settings, watch, path, export="4cat")
    assert (first.title, first.address, first.published_at) == ("Bread", "table:letters/a1", WHEN)
    assert (second.title, second.text) == (None, "No, salt.")


def test_a_file_of_another_tool_is_said(settings, watch, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    report, found = documents(settings, watch, path, export="4cat")
    assert (found, report.failed) == ([], 1)
    assert "no column body, so this is no export of 4CAT (it has a, b)" in report.problems[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


FIELDS = "id rest_id legacy core caption code taken_at desc createTime author content created_at account user reblog"


@given(
    st.sampled_from(sorted(EXPORTS)),
    st.sampled_from([*ITEMS, "gab.com", "nowhere.example"]),
    st.dictionaries(st.sampled_from(FIELDS.split()), JSON),
)
def test_no_item_breaks_the_readers(tool, platform, data):
    try:
        made = EXPORTS[tool](around(platform, data))
    except ValueError:
        return
    assert {"text", "date", "id"} <= set(made)
