import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.search.query import Query, Term, for_fts5, for_tsquery, parse, shown

ODD = st.text(alphabet="ab \"*-()'\\:&|!<>^+{}[],;\x00日本ا٣é¶", max_size=40)
JOINED = st.lists(st.one_of(st.sampled_from(["OR", "-", '"', "ab", "-ba", "a*", "ab*", "(ab)"]), ODD), max_size=12)


def asked(*clauses, excluded=()):
    """A query; a clause is a term, or a list of those of which one is enough."""
    each = tuple(tuple(clause) if isinstance(clause, list) else (clause,) for clause in clauses)
    return Query(each, tuple(excluded))


A, B, C, D = (Term((word,)) for word in ("ant", "bee", "cow", "dog"))


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("ant bee", asked(A, B)),
        ('"our own river"', asked(Term(("our", "own", "river")))),
        ("“our own” ant", asked(Term(("our", "own")), A)),
        ("ant -bee", asked(A, excluded=[B])),
        ('ant -"a bee"', asked(A, excluded=[Term(("a", "bee"))])),
        ("nation*", asked(Term(("nation",), prefix=True))),
        ('"one nat"*', asked(Term(("one", "nat"), prefix=True))),
        ("al-Qaeda", asked(Term(("al", "qaeda")))),
        ("ant - bee", asked(A, B)),
        ("ant ant", asked(A)),
        ('"unclosed phrase', asked(Term(("unclosed", "phrase")))),
        ("日本語", asked(Term(("日本", "本語")))),
        ("日", asked(Term(("日",), prefix=True))),
        ('"日本 x"', asked(Term(("日本", "本", "x")))),
        ("AND NOT NEAR or", asked(Term(("and",)), Term(("not",)), Term(("near",)), Term(("or",)))),
        ('taliban OR "islamic state"', asked([Term(("taliban",)), Term(("islamic", "state"))])),
        ("ant bee OR cow dog", asked(A, [B, C], D)),  # only what stands beside it
        ("ant OR bee OR cow -dog", asked([A, B, C], excluded=[D])),
        ("-ant bee OR cow", asked([B, C], excluded=[A])),
        ('ant OR"bee"', asked([A, B])),
        ("ant OR be*", asked([A, Term(("be",), prefix=True)])),
        ("ant OR ant", asked(A)),
        ("ant ant OR bee", asked(A, [A, B])),
        ("ant OR … bee", asked([A, B])),  # what is no word is left out
        ('ant "OR" bee', asked(A, Term(("or",)), B)),
        ("ant -OR bee", asked(A, B, excluded=[Term(("or",))])),
        ("ant OR* bee", asked(A, Term(("or",), prefix=True), B)),
        ("", asked()),
    ],
)
def test_what_is_typed_becomes_terms(typed, query):
    assert parse(typed) == query


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-river", "needs a word that is to occur"),
        ("a*", "two letters"),
        ("!!! ()", "no word"),
        (" ".join(f"w{n}" for n in range(31)), "30 words"),
        (" OR ".join(f"w{n}" for n in range(31)), "30 words and phrases; this one has 31"),
        *((typed, "OR stands between two") for typed in ("OR", "ant OR", "OR ant", "ant OR OR bee")),
        *((typed, "that are to occur") for typed in ("ant OR -bee", "-ant OR bee", "ant OR …", "ant OR -OR")),
    ],
)
def test_what_can_not_be_searched_is_said_in_words(typed, said):
    assert said in parse(typed).problem


def test_expressions():
    query = parse('river "own land"* -border -"far shore"')
    assert for_fts5(query) == '("river" AND "own land" *) NOT ("border" OR "far shore")'
    assert for_tsquery(query) == "('river') & ('own' <-> 'land':*) & !(('border') | ('far' <-> 'shore'))"
    assert shown(query) == ["river", "“own land”…", "not border", "not “far shore”"]
    query = parse('-border river OR "own land"* hill')
    assert for_fts5(query) == '(("river" OR "own land" *) AND "hill") NOT ("border")'
    assert for_tsquery(query) == "(('river') | ('own' <-> 'land':*)) & ('hill') & !(('border'))"
    assert shown(query) == ["river or “own land”…", "hill", "not border"]


@pytest.fixture(scope="module")
def fts5():
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE VIRTUAL TABLE f USING fts5(words, tokenize = 'ascii')")
        yield connection


@given(st.one_of(st.text(max_size=60), ODD, JOINED.map(" ".join)))
def test_no_input_raises_and_none_reaches_the_database_unread(fts5, typed):
    query = parse(typed)
    assert not (query.problem and query.terms)
    if query.terms:
        fts5.execute("SELECT rowid FROM f WHERE f MATCH ?", (for_fts5(query),)).fetchall()
        left = for_tsquery(query)
        for word in sorted({word for term in query.terms for word in term.words}, key=len, reverse=True):
            left = left.replace(f"'{word}'", "")
        assert not left.strip("()&|!<->:* "), left
