from dataclasses import replace

from benchmarks.rescoring import FLOORS, Rates, below

GOOD = Rates(vectorising=200, plain=190, first=600, again=16_000, bytes_a_text=7_500)


def test_what_misses_its_floor_is_named():
    assert below(GOOD) == []
    assert "re-scoring" in below(replace(GOOD, again=200 * FLOORS["re-scoring against vectorising"] - 1))[0]
    assert "first scoring" in below(replace(GOOD, first=100))[0]
    assert "bytes" in below(replace(GOOD, bytes_a_text=9_000))[0]
