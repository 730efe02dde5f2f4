"""Exports of 4CAT and Zeeschuimer: a row as the tool writes it, to the columns a table has.

4CAT (Peeters & Hagen 2022, doi:10.5117/CCR2022.2.007.HAGE) writes CSV with ``id``, ``thread_id``, ``timestamp``,
``body`` and more, or JSON lines as they were collected. Zeeschuimer, the browser extension beside it, writes JSON
lines: an item in the form of its platform below ``data``. Of authors only the account's name is read, and kept only
where the monitor names it as a column.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

Values = dict[str, Any]

_LINKS = ("url", "link", "post_url", "permalink", "canonical_url", "video_link")
_SPOKEN = ("language", "language_guess", "lang")


def _first(values: Values, names: tuple[str, ...]) -> str:
    return next((str(values[name]) for name in names if values.get(name)), "")


def _moment(seconds: object) -> str:
    """Seconds since 1970 as ISO 8601. Raises ValueError."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"the time {seconds!r} can't be read") from None


def _plain(markup: str) -> str:
    """Text of the little HTML that posts are written in."""
    return unescape(re.sub(r"<[^<>]*>", "", re.sub(r"(?i)<br\s*/?>|</p>", "\n", markup))).strip()


def _fourcat(values: Values) -> Values:
    if "__import_meta" in values or ("data" in values and "source_platform" in values):
        return _zeeschuimer(values)
    if "body" not in values:
        raise ValueError(f"no column body, so this is no export of 4CAT (it has {', '.join(values)[:200]})")
    # the time as a number is exact; the written one can be the server's own
    number = _first(values, ("unix_timestamp", "timestamp_unix"))
    identity, chat = str(values.get("id") or ""), str(values.get("chat") or "")
    if chat:  # Telegram counts the messages of every chat anew
        identity = f"{chat}/{identity}"
    telegram = f"https://t.me/{identity}" if re.fullmatch(r"[A-Za-z]\w{3,}/\d+", identity) and chat else ""
    return {
        **values,
        "text": values["body"],
        "date": _moment(number) if number else values.get("timestamp"),
        "id": identity,
        "title": values.get("subject") or values.get("title"),
        "address": _first(values, _LINKS) or telegram,
        "language": _first(values, _SPOKEN),
        "account": chat or values.get("author_username") or values.get("author"),
    }


def _twitter(item: Values) -> Values:
    legacy = item["legacy"]
    reposted = (legacy.get("retweeted_status_result") or {}).get("result") or {}
    reposted = reposted.get("tweet", reposted)
    # what is passed on is cut short in the post itself
    text = (reposted.get("legacy") or {}).get("full_text") or _long_post(item) or legacy["full_text"]
    user = item.get("user") or item["core"]["user_results"]["result"]
    account = user.get("screen_name") or (user.get("core") or {}).get("screen_name") or user["legacy"]["screen_name"]
    identity = str(item.get("rest_id") or legacy["id_str"])
    return {
        "text": unescape(text),
        "date": datetime.strptime(legacy["created_at"], "%a %b %d %H:%M:%S %z %Y").isoformat(),
        "id": identity,
        "address": f"https://x.com/{account}/status/{identity}",
        "language": legacy.get("lang"),
        "account": account,
    }


def _long_post(item: Values) -> str | None:
    found = (((item.get("note_tweet") or {}).get("note_tweet_results") or {}).get("result") or {}).get("text")
    return str(found) if found else None


def _instagram(item: Values) -> Values:
    return {
        "text": (item.get("caption") or {}).get("text"),
        "date": _moment(item["taken_at"]),
        "id": str(item.get("code") or item["id"]),
        "address": f"https://www.instagram.com/p/{item['code']}/" if item.get("code") else "",
        "account": (item.get("user") or item.get("owner") or {}).get("username"),
    }


def _threads(item: Values) -> Values:
    account = item["user"]["username"]
    made = {**_instagram(item), "account": account}
    return {**made, "address": f"https://www.threads.com/@{account}/post/{item['code']}"}


def _tiktok(item: Values) -> Values:
    author = item.get("author")
    account = author.get("uniqueId") if isinstance(author, dict) else author
    return {
        "text": item.get("desc"),
        "date": _moment(item["createTime"]),
        "id": str(item["id"]),
        "address": f"https://www.tiktok.com/@{account}/video/{item['id']}" if account else "",
        "language": item.get("textLanguage"),
        "account": account,
    }


def _mastodon(item: Values) -> Values:
    """Truth Social and Gab keep to the form of Mastodon."""
    source = item.get("reblog") or item
    return {
        "text": _plain(str(source.get("content") or "")),
        "date": item["created_at"],
        "id": str(item["id"]),
        "address": item.get("url") or item.get("uri"),
        "language": item.get("language"),
        "account": (item.get("account") or {}).get("acct"),
    }


_PLATFORMS: dict[str, Callable[[Values], Values]] = {
    "twitter.com": _twitter,
    "x.com": _twitter,
    "instagram.com": _instagram,
    "threads.net": _threads,
    "threads.com": _threads,
    "tiktok.com": _tiktok,
    "truthsocial.com": _mastodon,
    "gab.com": _mastodon,
}


def _zeeschuimer(values: Values) -> Values:
    # 4CAT lays the item open and puts what Zeeschuimer said of it beside it
    around = values.get("__import_meta") or values
    item = values if "__import_meta" in values else values.get("data")
    platform = str(around.get("source_platform") or "").lower().removeprefix("www.")
    if not isinstance(item, dict) or not platform:
        raise ValueError("no item of Zeeschuimer (neither source_platform nor data)")
    if platform not in _PLATFORMS:
        known = ", ".join(sorted(_PLATFORMS))
        raise ValueError(f"items of {platform} can't be read (only of {known}); export them from 4CAT as CSV")
    try:
        made = _PLATFORMS[platform](item)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"an item of {platform} in an unknown form ({type(error).__name__}: {error})") from None
    return {**made, "platform": platform}


EXPORTS: dict[str, Callable[[Values], Values]] = {"4cat": _fourcat, "zeeschuimer": _zeeschuimer}
"""Tool -> what makes text, date, id, title, address, language and account of a row. They raise ValueError."""
