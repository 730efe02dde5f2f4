import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.search.query import Query, Term, for_fts5, for_tsquery, parse, shown

ODD = st.text(alphabet="ab \"*-()'\\:&|!<>^+{}[],;\x00日本ا٣é¶", max_size=40)


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("river border", [Term(("river",)), Term(("border",))]),
        ('"our own river"', [Term(("our", "own", "river"))]),
        ("“our own” river", [Term(("our", "own")), Term(("river",))]),
        ("river -border", [Term(("river",)), Term(("border",), excluded=True)]),
        ('river -"a border"', [Term(("river",)), Term(("a", "border"), excluded=True)]),
        ("nation*", [Term(("nation",), prefix=True)]),
        ('"one nat"*', [Term(("one", "nat"), prefix=True)]),
        ("al-Qaeda", [Term(("al", "qaeda"))]),
        ("river - border", [Term(("river",)), Term(("border",))]),
        ("river river", [Term(("river",))]),
        ('"unclosed phrase', [Term(("unclosed", "phrase"))]),
        ("日本語", [Term(("日本", "本語"))]),
        ("日", [Term(("日",), prefix=True)]),
        ('"日本 x"', [Term(("日本", "本", "x"))]),
        ("AND OR NOT NEAR", [Term(("and",)), Term(("or",)), Term(("not",)), Term(("near",))]),
        ("", []),
    ],
)
def test_what_is_typed_becomes_terms(typed, terms):
    assert parse(typed) == Query(tuple(terms))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-river", "needs a word that is to occur"),
        ("a*", "two letters"),
        ("!!! ()", "no word"),
        (" ".join(f"w{n}" for n in range(31)), "30 words"),
    ],
)
def test_what_can_not_be_searched_is_said_in_words(typed, said):
    assert said in parse(typed).problem


def test_expressions():
    query = parse('river "own land"* -border -"far shore"')
    assert for_fts5(query) == '("river" AND "own land" *) NOT ("border" OR "far shore")'
    assert for_tsquery(query) == "('river') & ('own' <-> 'land':*) & !(('border') | ('far' <-> 'shore'))"
    assert shown(query) == ["river", "“own land”…", "not border", "not “far shore”"]


@pytest.fixture(scope="module")
def fts5():
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE VIRTUAL TABLE f USING fts5(words, tokenize = 'ascii')")
        yield connection


@given(st.one_of(st.text(max_size=60), ODD))
def test_no_input_raises_and_none_reaches_the_database_unread(fts5, typed):
    query = parse(typed)
    assert not (query.problem and query.terms)
    if query.terms:
        fts5.execute("SELECT rowid FROM f WHERE f MATCH ?", (for_fts5(query),)).fetchall()
        left = for_tsquery(query)
        for word in sorted({word for term in query.terms for word in term.words}, key=len, reverse=True):
            left = left.replace(f"'{word}'", "")
        assert not left.strip("()&|!<->:* "), left
