import codecs
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.decode import decode
from pipeline.extract.document import ExtractError

ARABIC = "قال المتحدث باسم المجلس إن الأرض لمن يزرعها وإن الناس في هذا الوادي يقررون شؤونهم بأنفسهم دون وصاية من أحد."
RUSSIAN = "Совет объявил, что земля принадлежит тем, кто её обрабатывает, и никто из-за границы не подпишет за них."
FRENCH = "Le conseil a déclaré que la terre appartient à ceux qui la cultivent, où qu’ils prient."


def page(text, meta=""):
    return f"<!doctype html><html><head>{meta}<title>x</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (ARABIC, "windows-1256"),
        (RUSSIAN, "windows-1251"),
        (RUSSIAN, "koi8-r"),
        (FRENCH, "windows-1252"),
        (ARABIC, "utf-8"),
    ],
)
@pytest.mark.parametrize("declared", ["http", "meta", "nowhere", "as utf-8, wrongly", "as Latin-1 by the server"])
def test_legacy_encodings_are_read_right_however_declared(text, encoding, declared):
    meta = {"meta": f'<meta charset="{encoding}">', "as utf-8, wrongly": '<meta charset="utf-8">'}.get(declared, "")
    header = {
        "http": f"text/html; charset={encoding}",
        "as utf-8, wrongly": "text/html; charset=UTF-8",
        "as Latin-1 by the server": "text/html; charset=ISO-8859-1",
    }.get(declared, "text/html")
    read, used = decode(page(text, meta).encode(encoding), header)
    assert text in read
    assert used == encoding


def test_the_page_is_believed_before_a_blanket_latin_1():
    body = page(FRENCH.replace("’", "'"), '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-15">')
    assert decode(body.encode("iso-8859-15"), "text/html; charset=iso-8859-1")[1] == "iso8859-15"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_a_byte_order_mark_decides(mark, encoding):
    read, used = decode(mark + page(ARABIC).encode(encoding), "text/html; charset=windows-1256")
    assert (read, used) == (page(ARABIC), encoding)


def test_one_broken_byte_costs_one_character():
    body = page(ARABIC).encode() + b"\xd8 <p>end</p>"
    read, used = decode(body, "text/html; charset=utf-8")
    assert ARABIC in read
    assert read.count("\ufffd") == 1
    assert used == "utf-8"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n\x00", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF"),
        (b"PK\x03\x04\x14\x00", "ZIP"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (bytes(range(256)) * 8, "undecodable"),
    ],
)
def test_other_files_are_refused_with_the_reason(body, reason):
    with pytest.raises(ExtractError, match=reason) as refused:
        decode(body, "text/html; charset=utf-8")
    assert reason in refused.value.reason


@pytest.mark.parametrize("part", [b"<script ", b"<", b"</script ", b"<style><", b"<!--"])
def test_mark_up_made_to_hold_detection_up_does_not(part):
    began = time.process_time()
    decode(b"\x81\x81" + part * 40_000)
    assert time.process_time() - began < 2


def test_scripts_and_elements_hide_no_language_from_detection():
    script = '<script type="a">' + "var plain = 'ascii';" * 3000 + "</script>"
    assert decode(page(script + ARABIC).encode("windows-1256"))[1] == "windows-1256"


@given(
    st.binary(max_size=300),
    st.sampled_from([None, "text/html; charset=utf-8", "text/html; charset=base64", "x; charset="]),
)
def test_random_bytes_are_text_or_refused(body, header):
    try:
        text, encoding = decode(body, header)
    except ExtractError:
        return
    assert isinstance(text, str)
    codecs.lookup(encoding)
