from hypothesis import given
from hypothesis import strategies as st

from classifiers.codebook import codebook_of, codebooks
from pipeline.review.label import COMMANDS, UNCLEAR_KEY, keys_of


class Book:
    def __init__(self, names: list[str]) -> None:
        self.names = names


def test_the_keys_of_the_framing_codebook():
    keys = keys_of(codebook_of("framing"))
    assert [(key.value, key.digit, key.letter) for key in keys] == [
        ("nationalist", "1", "a"), ("universalist", "2", "i"), ("both", "3", "b"), ("neither", "4", "e"),
    ]  # fmt: skip


def test_every_value_of_every_codebook_has_a_key():
    for book in codebooks():
        assert all(key.digit or key.letter for key in keys_of(book))


@given(st.lists(st.from_regex(r"[a-z][a-z0-9_-]{0,12}", fullmatch=True), max_size=30, unique=True))
def test_no_key_means_two_things(names):
    keys = keys_of(Book(names))
    pressed = [key for one in keys for key in (one.digit, one.letter) if key]
    assert len(pressed) == len(set(pressed))
    assert not set(pressed) & {*COMMANDS, UNCLEAR_KEY}
