"""The index on both databases: the same hits, kept current, and nothing left of what was erased."""

import sqlite3
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text

from pipeline.store.erasures import Selection, begin, scrub, take_documents
from pipeline.store.search import index
from pipeline.store.search.index import document_of, forget_texts, index_all, index_texts, left_to_index, matches, rank
from pipeline.store.search.query import parse
from pipeline.store.search.words import GAP, words_of
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Document, SearchProgress
from tests.store.test_documents import keep

NOW = datetime(2010, 3, 1, 12, tzinfo=UTC)


def found(session, typed):
    query = parse(typed)
    assert query.terms, typed
    return sorted(session.scalars(select(document_of(session)).where(matches(session, query))))


CORPUS = {
    1: ("The river", "What we defend ends at our own river, and al-Qaeda's envoys do not cross it."),
    2: ("Nations", "Our NATION is no border. Own the river? No."),
    3: (None, "الأمّة لا تعرف حدودًا، وقال المجاهدون: هذه أرضنا"),
    4: (None, "امت مرز نمی‌شناسد ۲۰۰۹"),
    5: ("東京", "日本語の文章です。国境はない。"),
    6: (None, "เราไม่มีพรมแดน"),
}


@pytest.fixture
def filled(store_settings):
    with open_session(store_settings) as session:
        index_texts(session, [(id_, *both) for id_, both in CORPUS.items()])
        session.commit()
        yield session


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("river", [1, 2]),
        ("RIVER nation", [2]),
        ('"our own river"', [1]),
        ('"own river"', [1]),
        ('"river what"', []),  # not from the title into the text
        ("river -envoys", [2]),
        ("envoys OR border", [1, 2]),
        ('nation OR "our own river" envoys', [1]),
        ("river OR 国境 -nation", [1, 5]),
        ("nobody OR 2009", [4]),
        ("RIVER or nation", []),  # a word, in small letters
        ("nation*", [2]),
        ("nations", [2]),
        ("al-qaeda", [1]),
        ("الامة", [3]),
        ("حدودا", [3]),
        ("2009", [4]),
        ("نمی‌شناسد", [4]),
        ("日本", [5]),
        ("本語", [5]),
        ("日本語の文", [5]),
        ("国", [5]),
        ("日語", []),
        ("東", [5]),
        ("พรมแดน", [6]),
    ],
)
def test_words_phrases_exclusions_and_beginnings(filled, typed, ids):
    assert found(filled, typed) == ids


def test_the_better_match_ranks_higher(filled):
    index_texts(filled, [(7, None, "river " * 20 + "and land"), (8, None, "land " * 40 + "river")])
    query = parse("river")
    ranked = select(document_of(filled)).where(matches(filled, query)).order_by(rank(filled, query).desc())
    ids = list(filled.scalars(ranked))
    assert ids.index(7) < ids.index(8)


def test_a_text_written_again_and_one_taken_out(filled):
    index_texts(filled, [(1, None, "other words")])
    assert found(filled, "river") == [2]
    assert found(filled, "other") == [1]
    forget_texts(filled, [1, 2])
    assert found(filled, "river") == found(filled, "other") == []


def test_a_text_of_nothing_but_different_words_fits(filled):
    long = " ".join(f"{number:x}{'ا' * (number % 60)}" for number in range(60_000))
    index_texts(filled, [(9, None, long), (10, None, "again " * 200_000 + "never")])
    assert found(filled, "1a*") == [9]
    assert found(filled, "never") == [10]


def test_both_databases_find_the_same(tmp_path, postgres_address, settings):
    """A corpus of few words, so that queries of chance hit; phrases, beginnings and exclusions among them."""
    chance = Random(7)  # noqa: S311 (not for secrets)
    vocabulary = ["ab", "abc", "bc", "café", "الأرض", "أرض", "日本語", "本", "x-y", "don't", "2009", "٢٠٠٩", "ไทย", "ß"]
    vocabulary.append("SS")

    def drawn(least, most):
        return " ".join(chance.choices(vocabulary, k=chance.randint(least, most)))

    texts = [(number, drawn(2, 2), drawn(0, 12)) for number in range(1, 300)]
    queries = []
    for _ in range(400):
        parts = []
        for number in range(chance.randint(1, 3)):
            parts += ["OR"] if number and chance.random() < 0.3 else []
            words = f'"{drawn(1, 3)}"' if chance.random() < 0.5 else drawn(1, 3)
            parts.append(chance.choice(["", "", "-"]) + words + chance.choice(["", "*"]))
        queries.append(" ".join(parts))
    hits = {}
    for name, store in (
        ("sqlite", settings),
        ("postgresql", settings.model_copy(update={"database_url": postgres_address, "data": tmp_path / "other"})),
    ):
        with open_session(store) as session:
            index_texts(session, texts)
            hits[name] = [found(session, typed) if parse(typed).terms else None for typed in queries]
    engine_for(postgres_address).dispose()
    assert hits["sqlite"] == hits["postgresql"]
    some = [len(one) for one in hits["sqlite"] if one]
    assert len(some) > 150
    assert max(some) < 300


SPOKEN = ["ab", "abc", "bc", "café", "CAFE", "الأرض", "أرض", "x-y", "don't", "2009", "٢٠٠٩", "ß", "SS", "or", "not"]
TEXTS = st.lists(st.sampled_from(SPOKEN), max_size=8).map(" ".join)
TERMS = st.tuples(st.lists(st.sampled_from(SPOKEN), min_size=1, max_size=3), st.booleans())
"""words, one after another, and whether the last is a beginning"""
CLAUSES = st.lists(st.lists(TERMS, min_size=1, max_size=3), min_size=1, max_size=3)


def typed_as(clauses, excluded):
    """The query as somebody would type it."""

    def term(words, prefix):
        return f'"{" ".join(words)}"' + "*" * prefix

    wanted = [" OR ".join(term(*one) for one in clause) for clause in clauses]
    return " ".join([*wanted, *(f"-{term(*one)}" for one in excluded)])


def occurs(words, prefix, text):
    """Whether the words stand in a row in a text of words."""
    wanted = words_of(" ".join(words))
    rows = (text[at : at + len(wanted)] for at in range(len(text) - len(wanted) + 1))
    return any(
        row[:-1] == wanted[:-1] and (row[-1].startswith(wanted[-1]) if prefix else row[-1] == wanted[-1])
        for row in rows
    )


@pytest.fixture
def both(tmp_path, postgres_address, settings):
    """A session on each of the databases."""
    other = settings.model_copy(update={"database_url": postgres_address, "data": tmp_path / "other"})
    with open_session(settings) as sqlite, open_session(other) as postgresql:
        yield sqlite, postgresql
    engine_for(postgres_address).dispose()


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=12), CLAUSES, st.lists(TERMS, max_size=2))
def test_both_databases_find_what_reading_the_texts_finds(both, texts, clauses, excluded):
    """One term of each clause, no excluded one; read from the texts without the query's own parser."""
    # a beginning of one letter is refused
    clauses, excluded = (
        [[(words, prefix and len(words_of(words[-1])[-1]) > 1) for words, prefix in some] for some in part]
        for part in (clauses, [excluded])
    )
    expected = []
    for number, (title, body) in enumerate(texts, start=1):
        text = [*words_of(title), GAP, *words_of(body)]
        wanted = all(any(occurs(*one, text) for one in clause) for clause in clauses)
        if wanted and not any(occurs(*one, text) for one in excluded[0]):
            expected.append(number)
    typed = typed_as(clauses, excluded[0])
    for session in both:
        session.execute(delete(index.on_postgresql if index._postgresql(session) else index.on_sqlite))
        index_texts(session, [(number, *text) for number, text in enumerate(texts, start=1)])
        assert found(session, typed) == expected, typed


def test_collecting_keeps_the_index(store_settings):
    with open_session(store_settings) as session:
        kept = keep(session, title="A heading")
        assert found(session, "valley heading") == [kept.document_id]
        keep(session, text="Quite another text stands at this address now, about ships and harbours and the wind.")
        assert found(session, "valley") == []
        assert found(session, "harbours") == [kept.document_id]


def test_an_older_store_is_indexed_in_batches_and_goes_on_where_it_was_broken_off(store_settings, monkeypatch):
    with open_session(store_settings) as session:
        for number in range(5):
            keep(session, address=f"http://a.example/{number}", text=f"valley number{number} " * 20)
        last = session.scalar(select(func.max(Document.id)))
        session.execute(delete(index.on_postgresql if index._postgresql(session) else index.on_sqlite))
        session.execute(delete(SearchProgress))
        session.add(SearchProgress(rules=index.RULES, after_id=0, last_id=last))
        session.commit()
        assert left_to_index(session) == 5
        assert index.index_next(session, 2) == 2
        assert len(found(session, "valley")) == 2
        assert left_to_index(session) == 3
    assert index_all(store_settings) == 3
    with open_session(store_settings) as session:
        assert len(found(session, "valley")) == 5
        assert left_to_index(session) == 0
    assert index_all(store_settings) == 0
    # other rules: all of it again
    monkeypatch.setattr(index, "RULES", index.RULES + 1)
    with open_session(store_settings) as session:
        assert left_to_index(session) == 5
    assert index_all(store_settings) == 5
    with open_session(store_settings) as session:
        assert left_to_index(session) == 0


def test_no_byte_of_an_erased_text_is_left(store_settings):
    secret = "pomegranatezanzibar"  # noqa: S105 (a word)
    with open_session(store_settings) as session:
        keep(session, text=f"The {secret} stands here once, and the council of the valley knows of it. " * 3)
        for number in range(30):
            keep(session, address=f"http://a.example/{number + 2}", text=f"valley council number{number} " * 30)
        assert len(found(session, secret)) == 1
        chosen = Selection("m", "address", "http://a.example/1", addresses=frozenset({"http://a.example/1"}))
        row = begin(session, chosen, reason="a court", now=NOW)
        assert take_documents(session, chosen, row) == 1
        assert found(session, secret) == []
    assert scrub(store_settings.database) is None
    with open_session(store_settings) as session:
        assert len(found(session, "valley")) == 30
        if store_settings.database.startswith("postgresql"):
            lexemes = session.execute(
                text("SELECT word FROM ts_stat('SELECT lexemes FROM search_words') WHERE word = :w"), {"w": secret}
            ).all()
            assert lexemes == []
    if store_settings.database.startswith("sqlite"):
        engine_for(store_settings.database).dispose()
        for file in store_settings.data.glob("riftwatch.db*"):
            assert secret.encode() not in file.read_bytes(), file
        with sqlite3.connect(store_settings.data / "riftwatch.db") as connection:
            connection.execute("INSERT INTO search_words (search_words) VALUES ('integrity-check')")
