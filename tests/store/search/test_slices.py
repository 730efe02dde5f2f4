"""Reading by slices finds what one reading of all finds."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.search import slices
from pipeline.store.search.slices import Slice, newest


def reader(there, read):
    """Reads of these ids, and notes the slice and how many it was asked for."""

    def some(within, most):
        read.append((within, most))
        return sorted((id_ for id_ in there if within.after < id_ <= within.until), reverse=True)[:most]

    return some


@given(
    there=st.sets(st.integers(1, 400)),
    most=st.integers(1, 60),
    ends=st.tuples(st.integers(1, 400), st.integers(1, 400)).map(sorted),
    first=st.integers(1, 500),
)
def test_the_same_hits_in_the_same_order_in_few_slices(there, most, ends, first):
    lowest, highest = ends
    read, kept = [], slices.FIRST
    slices.FIRST = first
    try:
        hits = newest(reader(there, read), most, lowest, highest)
    finally:
        slices.FIRST = kept
    assert hits == sorted((id_ for id_ in there if lowest <= id_ <= highest), reverse=True)[:most]
    sizes = [within.until - within.after for within, _ in read]
    rest = bool(read) and read[-1][0].after == lowest - 1
    assert all(larger >= 2 * one for one, larger in pairwise(sizes[: -1 if rest else None]))
    assert all(asked > 0 for _, asked in read)
    assert len(read) <= 10


def ways(there, most=10_001):
    read = []
    newest(reader(there, read), most, 1, 1_000_000)
    return [within for within, _ in read]


def test_a_store_that_is_no_larger_is_read_at_once():
    read = []
    newest(reader({5}, read), 10, 1, 59_999)
    assert read == [(Slice(0, 59_999, False), 10)]


def test_what_the_newest_texts_hardly_have_is_looked_for_in_all_others():
    assert ways({3, 999_999}) == [Slice(970_000, 1_000_000, False), Slice(0, 970_000, True)]
    assert ways(set()) == [Slice(970_000, 1_000_000, False), Slice(0, 970_000, True)]


def test_what_is_frequent_is_read_as_far_as_it_should_take():
    # one text in ten: 7,001 more are wanted, of 70,010 texts, and a quarter of them to spare
    assert ways(range(10, 1_000_001, 10)) == [
        Slice(970_000, 1_000_000, False),
        Slice(970_000 - 87_512, 970_000, False),
    ]
    assert ways(range(1, 1_000_001)) == [Slice(970_000, 1_000_000, False)]
