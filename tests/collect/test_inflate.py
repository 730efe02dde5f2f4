import gzip
import random
import time
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.failure import Failure
from pipeline.collect.inflate import HARMLESS_BYTES, Inflater, gunzip, gunzip_so_far

PACKS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "": lambda body: body,
}


@given(st.binary(max_size=3000), st.sampled_from(sorted(PACKS)), st.integers(1, 500))
def test_any_body_in_any_chunks_comes_back(body, encoding, step):
    packed = PACKS[encoding](body)
    inflater = Inflater(encoding, max_bytes=10_000, max_ratio=1000)
    for start in range(0, len(packed), step):
        inflater.take(packed[start : start + step])
    assert inflater.body() == body
    assert inflater.packed == len(packed)


@given(st.binary(max_size=500), st.sampled_from(["gzip", "deflate"]))
def test_no_bytes_break_it(junk, encoding):
    inflater = Inflater(encoding, max_bytes=10_000, max_ratio=10)
    with suppress(Failure):
        inflater.take(junk)
        assert len(inflater.body()) <= 10_000


def test_growth_is_measured_against_what_came():
    bomb = gzip.compress(bytes(5_000_000))
    with pytest.raises(Failure, match="grows by more than 200 times") as caught:
        gunzip(bomb, max_bytes=50_000_000, max_ratio=200)
    assert caught.value.kind == "hard"
    assert gunzip(bomb, max_bytes=50_000_000, max_ratio=2000) == bytes(5_000_000)


def test_a_short_page_may_grow_as_it_likes():
    assert gunzip(gzip.compress(bytes(HARMLESS_BYTES)), max_bytes=200_000, max_ratio=2) == bytes(HARMLESS_BYTES)


def test_memory_stays_near_the_limit():
    inflater = Inflater("gzip", max_bytes=2_000_000, max_ratio=1e9)
    with pytest.raises(Failure, match="longer than 2,000,000"):
        inflater.take(gzip.compress(bytes(200_000_000)))
    assert len(inflater._body) <= 2_000_000 + (1 << 20)


def test_a_file_of_empty_gzip_members_holds_nothing_up():
    many = gzip.compress(b"", mtime=0) * 200_000  # four megabytes; as one piece it took ten seconds, and four times as
    began = time.perf_counter()  # many forty
    assert gunzip(many, max_bytes=5_000_000, max_ratio=200) == b""
    assert time.perf_counter() - began < 4


def test_of_a_damaged_file_what_comes_before_the_damage_is_had():
    whole = bytes(random.Random(7).choices(range(97, 123), k=200_000))  # noqa: S311 (the same bytes every time)
    packed = gzip.compress(whole)
    limits = {"max_bytes": 1_000_000, "max_ratio": 200}
    assert gunzip_so_far(packed, **limits) == (whole, None)
    torn, why = gunzip_so_far(packed[: len(packed) // 2], **limits)
    assert whole.startswith(torn)
    assert len(torn) > 90_000
    assert why == "the packed body ended early"
    broken, why = gunzip_so_far(packed[:60_000] + b"\xff" * 5_000 + packed[65_000:], **limits)
    assert whole[:80_000] == broken[:80_000]
    assert "is damaged" in why
    with pytest.raises(Failure):
        gunzip_so_far(gzip.compress(bytes(5_000_000)), **limits)
