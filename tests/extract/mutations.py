# ruff: noqa: E501 (mark-up stands as sites serve it)
"""Pages as they should never be: seeded mutations of this project's own page templates.

    for number in range(5000): body, header = mutated(number)

The same number gives the same page on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST = "The council says that the land belongs to those who till it, and that no envoy from abroad will sign for them."
SECOND = "It met for three days in the valley and will meet again in autumn, when the roads are open to all."
ARABIC = "قال المتحدث باسم المجلس إن الأرض لمن يزرعها وإن الناس في هذا الوادي يقررون شؤونهم بأنفسهم دون وصاية من أحد."
PASHTO = "د کلي شورا وویل چې ځمکه د هغو خلکو ده چې کرنه پرې کوي او له بهر څخه هیڅوک د دوی پر ځای لاسلیک نه شي کولای."
RUSSIAN = "Совет объявил, что земля принадлежит тем, кто её обрабатывает, и никто из-за границы не подпишет за них."

_NEWS = """<!doctype html><html lang="{lang}"><head><meta charset="{charset}"><title>{title} | A site</title>
<meta property="article:published_time" content="2009-09-19T10:00:00+04:30"><meta property="og:title" content="{title}">
<script type="application/ld+json">{{"@type":"NewsArticle","datePublished":"2009-09-19","author":{{"name":"x"}}}}</script>
<style>p {{color: red}}</style></head><body><nav><ul><li><a href="/">Home</a></li></ul></nav>
<main><article><h1>{title}</h1><p class="byline">19 September 2009</p><p>{one}</p><p>{two}</p><p>{one} {two}</p></article></main>
<section id="comments"><h2>2 Comments</h2><ol class="commentlist"><li><p>Nonsense, says a reader.</p></li></ol></section>
<footer>© 2009</footer><script>var a = "<p>";</script></body></html>"""
_TABLES = """<html><head><title>{title}</title><meta http-equiv="Content-Type" content="text/html; charset={charset}"></head>
<body bgcolor=white><table><tr><td><font size=2><b>{title}</b><br>Sat, 19 Sep 2009<br><br>{one}<br><br>{two}<br>{one}
</font></td><td><a href=a.htm>a</a></td></tr></table></body></html>"""
_XHTML = """<?xml version="1.0" encoding="{charset}"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="{lang}"><head><title>{title}</title></head><body><div class="post">
<h2>{title}</h2><time datetime="2009-09-19">x</time><p>{one}</p><blockquote><p>{two}</p></blockquote><p>{one}</p></div>
<h3>نظرات</h3><div>{two}</div></body></html>"""
TEMPLATES = (_NEWS, _TABLES, _XHTML)
LANGUAGES = (
    ("en", FIRST, SECOND, ("utf-8", "windows-1252", "utf-16")),
    ("ar", ARABIC, ARABIC, ("utf-8", "windows-1256", "iso-8859-6")),
    ("ps", PASHTO, PASHTO, ("utf-8", "utf-16-le")),
    ("ru", RUSSIAN, RUSSIAN, ("utf-8", "koi8-r", "windows-1251")),
)
_TOKENS = (
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<script>", b"<style>", b"<title>", b"<textarea>", b"<plaintext>", b"<svg>",
    b"<math><mi>", b"<table>", b"<frameset>", b"<html>", b"<body>", b"</body>", b"<template>", b"<noscript>", b"<select>",
    b"\x00", b"\x1b[2J", b"\x0b", b"\x7f", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xed\xa0\x80", b"\xc0\xaf",
    b"&#0;", b"&#x0;", b"&#xD800;", b"&#1114112;", b"&#99999999999999;", b"&amp;amp;lt;p&amp;gt;", b"&nbsp", b"&;", b"&#;",
    b"&#x202e;", b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\xf3\xa0\x80\x81", b"\xef\xbf\xbf", b"<?php", b"<?xml version='1.0'?>",
    b"<p itemprop='datePublished'>", b"<time datetime='99999-99-99'>", b"<meta name=date content='0000-00-00'>",
    b"<meta charset=utf-7>", b"<meta charset=base64>", b"<base href='http://['>", b"<h1>", b"<a href='http://[::1'>",
    b"<!DOCTYPE html [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>&b;", b"<p \x00='\x00'>", b"<1>", b"<>", b"</",
    b"<script type='application/ld+json'>{\"datePublished\":[[[[", b"<div class='comments'>", b"<h2>Comments</h2>",
)  # fmt: skip

Mutation = Callable[[random.Random, bytes], bytes]


def _somewhere(chance: random.Random, body: bytes) -> int:
    return chance.randrange(len(body) + 1)


def cut(chance: random.Random, body: bytes) -> bytes:
    """The end is missing."""
    return body[: _somewhere(chance, body)]


def lose(chance: random.Random, body: bytes) -> bytes:
    """A part is missing."""
    start = _somewhere(chance, body)
    return body[:start] + body[start + chance.randrange(1, 200) :]


def swap(chance: random.Random, body: bytes) -> bytes:
    """Two parts change places."""
    a, b, c = sorted(_somewhere(chance, body) for _ in range(3))
    return body[:a] + body[b:c] + body[a:b] + body[c:]


def flip(chance: random.Random, body: bytes) -> bytes:
    """Some bytes are others."""
    made = bytearray(body)
    for _ in range(chance.randrange(1, 40)):
        if made:
            made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)


def put(chance: random.Random, body: bytes) -> bytes:
    """Odd tokens stand where none should."""
    for _ in range(chance.randrange(1, 6)):
        place = _somewhere(chance, body)
        body = body[:place] + chance.choice(_TOKENS) + body[place:]
    return body


def repeat(chance: random.Random, body: bytes) -> bytes:
    """A part, or a token, stands there many times."""
    start = _somewhere(chance, body)
    part = chance.choice([body[start : start + chance.randrange(1, 120)], chance.choice(_TOKENS)])
    return body[:start] + part * min(chance.choice([10, 300, 5000]), 200_000 // (len(part) + 1)) + body[start:]


def nest(chance: random.Random, body: bytes) -> bytes:
    """Elements within elements, up to 10,000 deep, closed or not."""
    tag = chance.choice([b"div", b"p", b"b", b"ul><li", b"table><tr><td", b"font", b"blockquote", b"a href=x", b"span"])
    depth = chance.choice([50, 500, 10_000])
    place = _somewhere(chance, body)
    name = tag.split(b" ")[0].split(b">")[0]
    close = (b"</" + name + b">") * depth if chance.random() < 0.5 else b""
    return body[:place] + (b"<" + tag + b">") * depth + b"deep" + close + body[place:]


def swell(chance: random.Random, body: bytes) -> bytes:
    """Huge attributes, words, and lists of attributes."""
    size = chance.choice([1_000, 100_000])
    part = chance.choice([
        b"<p class='" + b"comment " * (size // 8) + b"'>",
        b"<div " + b" ".join(b"a%d=1" % i for i in range(size // 50)) + b">",
        b"<p>" + b"w" * size + b"</p>",
        b"<p>" + b"a b " * (size // 4) + b"</p>",
        b"<!--" + b"-" * size,
        b"<" * (size // 10),
        b"&" * (size // 10),
        b"2009-09-19 " * (size // 20),
        b"<meta name=date content='" + b"1" * size + b"'>",
        b"<h1>" + b"19 September " * (size // 20) + b"</h1>",
        b"<script type='application/ld+json'>" + b"[" * size + b"</script>",
    ])  # fmt: skip
    place = _somewhere(chance, body)
    return body[:place] + part + body[place:]


def mix(chance: random.Random, body: bytes) -> bytes:
    """The second half is written in another encoding."""
    place = _somewhere(chance, body)
    return body[:place] + ARABIC.encode(chance.choice(["utf-8", "windows-1256", "utf-16"])) * 3 + body[place:]


def escape(chance: random.Random, body: bytes) -> bytes:
    """Mark-up escaped, perhaps twice."""
    start, end = sorted(_somewhere(chance, body) for _ in range(2))
    part = body[start:end].replace(b"&", b"&amp;").replace(b"<", b"&lt;")
    return body[:start] + (part.replace(b"&", b"&amp;") if chance.random() < 0.5 else part) + body[end:]


MUTATIONS: tuple[Mutation, ...] = (cut, lose, swap, flip, put, repeat, nest, swell, mix, escape)


def mutated(number: int) -> tuple[bytes, str | None]:
    """Bytes of a page and its Content-Type."""
    chance = random.Random(number)  # noqa: S311 (pages, not secrets)
    language, one, two, charsets = chance.choice(LANGUAGES)
    charset = chance.choice(charsets)
    page = chance.choice(TEMPLATES).format(lang=language, charset=charset, title="The wells", one=one, two=two)
    body = page.encode(charset, "replace")
    for _ in range(chance.choice([1, 1, 2, 3, 6])):
        body = chance.choice(MUTATIONS)(chance, body)
    wrong = chance.choice(["utf-8", "iso-8859-1", "windows-1256", "utf-16", "nonsense", "base64"])
    return body, chance.choice([None, "text/html", f"text/html; charset={charset}", f"text/html; charset={wrong}"])
