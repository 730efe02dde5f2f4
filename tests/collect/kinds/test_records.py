import gzip as packing
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.kinds.records import Damage, Record
from pipeline.collect.kinds.records import records as read
from tests.collect.kinds.warc_files import made, page

MAX = 20_000_000


def records(stream, max_bytes=MAX):
    return read(stream, max_bytes=max_bytes, max_ratio=200)


@pytest.mark.parametrize("gzip", [True, False])
def test_damage_in_the_middle_costs_one_record(gzip):
    body, offsets = made(6, gzip=gzip)
    hurt = bytearray(body)
    # the record's own head, and some bytes of its body
    for start in (offsets[2], offsets[2] + 200):
        hurt[start : start + 40] = b"\xff" * 40
    found = list(records(io.BytesIO(bytes(hurt))))
    good = [one.address for one in found if not isinstance(one, Damage)]
    damage = [one.offset for one in found if isinstance(one, Damage)]
    assert set(good) >= {f"http://old.example/{n}" for n in (0, 1, 3, 4, 5)}
    assert len(damage) == 1
    assert offsets[1] < damage[0] <= offsets[2] + 1


@pytest.mark.parametrize("gzip", [True, False])
def test_a_tail_that_is_torn_off_is_reported(gzip):
    body, offsets = made(3, gzip=gzip)
    cut = body[: offsets[2] + (len(body) - offsets[2]) // 2]
    found = list(records(io.BytesIO(cut)))
    assert [type(one).__name__ for one in found] == ["Record", "Record", "Damage"]
    assert found[2].offset == offsets[2]


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_break_the_reader(junk, before):
    body, _ = made(1)
    mixed = junk + body if before else body + junk
    found = list(records(io.BytesIO(mixed)))
    if not before:
        assert found[0].address == "http://old.example/0"


def test_a_body_past_the_limit_is_reported():
    body, _ = made(2)
    found = list(records(io.BytesIO(body), max_bytes=100))
    assert [type(one).__name__ for one in found] == ["Damage", "Damage"]


def addresses(found):
    return [one.address for one in found if isinstance(one, Record)]


def unpacked(count):
    return made(count, gzip=False)[0]


def test_a_file_packed_as_one_piece_is_read_all_the_same():
    found = list(records(io.BytesIO(packing.compress(unpacked(4)))))
    assert addresses(found) == [f"http://old.example/{n}" for n in range(4)]
    assert [one.body for one in found] == [page(n) for n in range(4)]
    # from the one place that can be read from, only the first record comes
    assert [one.in_place for one in found[1:]] == [False] * 3


def test_heads_and_bodies_in_pieces_of_their_own_are_joined():
    whole = unpacked(3)
    cut = whole.index(b"\r\n\r\n", whole.index(b"HTTP/1.1")) + 4
    found = list(records(io.BytesIO(packing.compress(whole[:cut]) + packing.compress(whole[cut:]))))
    assert [one.body for one in found] == [page(n) for n in range(3)]


def test_damage_behind_a_badly_packed_beginning_is_reported_and_what_follows_is_read():
    good, _ = made(2)
    bad = bytearray(packing.compress(unpacked(2), mtime=0))
    bad[len(bad) // 2 : len(bad) // 2 + 30] = b"\xff" * 30
    found = list(records(io.BytesIO(packing.compress(unpacked(2)) + bytes(bad) + good)))
    assert addresses(found)[-2:] == ["http://old.example/0", "http://old.example/1"]
    assert sum(isinstance(one, Damage) for one in found) == 1


def test_a_piece_that_unpacks_without_end_is_damage():
    bomb = packing.compress(unpacked(1) + b"WARC/1.0\r\n" + b"0" * 50_000_000)
    found = list(read(io.BytesIO(bomb), max_bytes=MAX, max_ratio=20))
    assert [type(one) for one in found] == [Record, Damage]


def test_old_line_ends_do_not_make_a_page_too_short():
    head = "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 25\n\n"
    body = "<p>The bread of the land."
    fields = "1 0 Here\nURL IP-address Archive-date Content-type Archive-length\n\n"
    text = f"filedesc://a 0.0.0.0 20060101000000 text/plain {len(fields) - 2}\n{fields}"
    arc = f"{text}http://old.example/ 1.2.3.4 20061015000000 text/html {len(head) + len(body) + 4}\n{head}{body}\n"
    found = list(records(io.BytesIO(arc.encode())))
    assert [one.body.strip() for one in found[1:]] == [body.encode()]


# What is good in the real files, read by hand: addresses of HTML responses, and how many stretches are damaged.
REAL = {
    "bad.arc": (0, 2),
    "example-bad-non-chunked.warc.gz": (1, 0),
    "example-bad.warc.gz.bad": (1, 0),
    "example-digest.warc": (0, 0),
    "example-iana.org-chunked.warc": (1, 0),
    "example-resource.warc.gz": (1, 0),
    "example-space-in-target-uri.warc.gz": (0, 0),
    "example-space-in-url.arc": (1, 0),
    "example-trunc.warc": (1, 1),
    "example-wget-bad-target-uri.warc.gz": (1, 0),
    "example-wrong-chunks.warc.gz": (1, 0),
    "example.arc": (1, 0),
    "example.arc.gz": (1, 0),
    "example.warc": (1, 0),
    "example.warc.gz": (1, 0),
    "post-test.warc.gz": (0, 0),
}


def test_all_samples_of_warcio(shared_data):
    files = sorted(p for p in (shared_data / "warc" / "warcio" / "data").iterdir())
    counted = {}
    for file in files:
        with file.open("rb") as stream:
            found = list(records(stream))
        pages = {
            one.address
            for one in found
            if isinstance(one, Record)
            and one.kind in {"response", "resource"}
            and (one.content_type or "").startswith("text/html")
            and one.status in {200, None}
        }
        counted[file.name] = (len(pages), sum(isinstance(one, Damage) for one in found))
    assert counted == REAL
