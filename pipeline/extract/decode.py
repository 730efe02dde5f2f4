"""Bytes of a page to text: which encoding, and whether it is a page at all."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from pipeline.extract.document import ExtractError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16, so it is asked first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FILES = (
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP or office file"),
    (b"\xd0\xcf\x11\xe0", "an office file"),
    (b"{\\rtf", "an RTF file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image, sound or film"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file or film"),
    (b"\x00\x00\x00\x18ftyp", "a film"),
    (b"\x00\x00\x00\x20ftyp", "a film"),
)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.I)
_META_CHARSET = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_XML_CHARSET = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.I)
# Browsers read these names as the wider Windows form (https://encoding.spec.whatwg.org/#names-and-labels).
_WIDER = {
    "ascii": "windows-1252",
    "iso8859-1": "windows-1252",
    "iso8859-9": "windows-1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
_HEAD = 4096
_DETECTED = 400_000
"""bytes from the start that detection looks at"""
_BROKEN_SHARE = 0.02
"""A declared encoding is believed as long as at most this share of the characters beyond ASCII is broken in it."""


def _known(name: str | bytes | None) -> str | None:
    """Python's name of an encoding of text, or null."""
    if isinstance(name, bytes):
        name = name.decode("ascii", "replace")
    try:
        info = codecs.lookup(name.strip()) if name else None
    except (LookupError, ValueError):
        return None
    if info is None or not info._is_text_encoding or info.name in {"idna", "punycode", "undefined", "utf-7"}:
        return None
    return _WIDER.get(info.name, re.sub(r"^cp(125\d)$", r"windows-\1", info.name))


def _read(body: bytes, encoding: str) -> str | None:
    """The text in this encoding, with a few broken characters replaced; null when it does not fit."""
    try:
        return body.decode(encoding)
    except UnicodeError:
        pass
    except (LookupError, ValueError, AssertionError):  # codecs of the standard library that are no decoders of pages
        return None
    try:
        text = body.decode(encoding, "replace")
    except (UnicodeError, ValueError):
        return None
    beyond = sum(1 for character in text if character > "\x7f")
    return text if text.count("\ufffd") <= _BROKEN_SHARE * beyond + 1 and beyond > 5 else None


def _strange_for_latin(text: str) -> bool:
    """Whether Western letters with accents are too many for any language that is written with them."""
    letters = [character for character in text if character.isalpha()]
    return len(letters) > 20 and sum(1 for c in letters if c > "\x7f") > 0.3 * len(letters)


def _refuse_files(body: bytes) -> None:
    for magic, name in _FILES:
        if body.startswith(magic):
            raise ExtractError(f"not a page: the body is {name}")


def decode(body: bytes, content_type: str | None = None) -> tuple[str, str]:
    """Text and encoding of a page.

    A byte order mark decides; else valid UTF-8 beyond ASCII is UTF-8 whatever is declared (legacy text is not
    valid UTF-8 by accident); else what HTTP and then the page itself declare, as far as the bytes fit it; else
    detection. A server's blanket Latin-1 gives way to what the page says of itself, and to detection where the
    result would be no language. Raises ExtractError for files of other kinds and for bytes nothing can read.
    """
    if not body.strip(b"\x00 \t\r\n"):
        raise ExtractError("no text: the body is empty")
    _refuse_files(body)
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace"), encoding
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and not text.isascii():
        return text, "utf-8"

    header = _HEADER_CHARSET.search(content_type or "")
    page = _META_CHARSET.search(body[:_HEAD]) or _XML_CHARSET.search(body[:_HEAD])
    declared = [_known(header[1]) if header else None, _known(page[1]) if page else None]
    if declared[0] == "windows-1252" and declared[1]:
        declared.reverse()
    for name in filter(None, declared):
        # a page whose declaration could be read as ASCII is not in UTF-16
        if name.startswith(("utf-16", "utf-32")) and page and b"\x00" not in body[:_HEAD]:
            continue
        read = _read(body, name)
        if read is not None and not (name == "windows-1252" and _strange_for_latin(read)):
            return read, name
    if body.count(b"\x00") > len(body) // 100:
        raise ExtractError("undecodable: zero bytes without a declared encoding; not text")
    return (text, "utf-8") if text else _detect(body)


def _without_markup(body: bytes) -> bytes:
    """The bytes without elements, roughly, in time that grows with their number alone: no search begins anew."""
    parts = re.split(rb"(?i)</(?:script|style)\s*>", body)
    seen = (re.split(rb"(?i)<(?:script|style)\b", part, maxsplit=1)[0] for part in parts)
    return re.sub(rb"<[^<>]*>", b" ", b" ".join(seen))


def _detect(body: bytes) -> tuple[str, str]:
    # mark-up is ASCII and hides the language from the detector
    sample = _without_markup(body[:_DETECTED])[:200_000]
    best = from_bytes(sample if sample.strip() else body[:200_000]).best()
    encoding = _known(best.encoding) if best else None
    text = _read(body, encoding) if encoding else None
    if text is None or encoding is None:
        raise ExtractError("undecodable: no encoding fits the bytes")
    return text, encoding
