"""A batch of texts leaves the store as the same texts one after another would."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, select

from benchmarks.collecting import synthetic
from pipeline.extract.page import extract_text
from pipeline.extract.similarity import bands, shingles, signature
from pipeline.settings import Settings
from pipeline.store import clusters
from pipeline.store.documents import Incoming, keep_documents
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Cluster, Coding, Document, MinHashBand
from tests.store.test_clusters import words

NOW = datetime(2010, 3, 1, tzinfo=UTC)
STOCK = [words(seed, 60) for seed in range(4)]


def text_of(kind: int, change: int) -> str:
    """One of four texts: as it is, with a frame around it, or half of it and half of the next (a link of two)."""
    if change == 3:
        return " ".join(STOCK[kind][:45] + STOCK[(kind + 1) % 4][:45])
    return " ".join([*("agency", "report")[:change], *STOCK[kind], *("ends",)[:change]])


Letter = st.tuples(
    st.integers(0, 3),  # text
    st.integers(0, 3),  # change
    st.integers(0, 5),  # address
    st.sampled_from("ab"),  # source
    st.sampled_from([None, "2010-01-05", "2010-01-05", "2010-02-01"]),  # date
    st.booleans(),  # whether its bands come with it
)


def incoming(letter, at=NOW) -> Incoming:
    kind, change, address, source, date, with_bands = letter
    hints = {"dates": [{"origin": "feed", "value": date}] if date else []}
    made = extract_text(text_of(kind, change), address=f"http://x.example/{address}", hints=hints, now=NOW)
    known = bands(signature(shingles(made.text))) if with_bands else None
    return Incoming(source, "g", "own" if source == "a" else "observer", made, None, at, known)


def state(session):
    """All that is stored, with clusters named by their first document."""
    firsts = dict(session.execute(select(Cluster.id, Cluster.first_document_id)).all())
    documents = [
        (d.id, d.source, d.address, d.text_digest, d.published_at, d.updated_at, firsts[d.cluster_id])
        for d in session.scalars(select(Document).order_by(Document.id))
    ]
    carried = session.execute(
        select(MinHashBand.document_id, MinHashBand.band, MinHashBand.value).order_by(
            MinHashBand.document_id, MinHashBand.band
        )
    )
    return documents, len(firsts), carried.all()


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Two stores of the same numbering; SQLite counts from 1 again when a table is empty."""
    made = {name: Settings(data=tmp_path_factory.mktemp(name)) for name in ("single", "batch")}
    yield made
    for settings in made.values():
        engine_for(settings.database).dispose()


@tries(max_examples=60)
@given(
    batches=st.lists(st.lists(Letter, min_size=1, max_size=12), min_size=1, max_size=3),
    crowded=st.sampled_from([2, 100]),
)
def test_batches_are_equal_to_one_by_one(stores, batches, crowded):
    results = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusters, "CROWDED", crowded)
        for name, settings in stores.items():
            with open_session(settings) as session:
                for table in (MinHashBand, Document, Cluster):
                    session.execute(delete(table))
                kept = []
                for number, batch in enumerate(batches):
                    texts = [incoming(letter, NOW + timedelta(days=number)) for letter in batch]
                    for some in [texts] if name == "batch" else [[text] for text in texts]:
                        kept += keep_documents(session, "m", some)
                        session.commit()
                        session.expire_all()
                results.append((kept, state(session)))
    assert results[0] == results[1]


def letters(count, start=0):
    """Texts of which every third is a repost."""
    made = []
    for number in range(start, start + count):
        text = " ".join(words(number if number % 3 else 0, 100))
        made.append(
            Incoming(
                "s",
                "g",
                "own",
                extract_text(text, address=f"http://x.example/{number}", hints={}, now=NOW),
                None,
                NOW,
            )
        )
    return made


def test_a_batch_on_both_databases(store_settings):
    with open_session(store_settings) as session:
        kept = keep_documents(session, "m", letters(30))
        session.commit()
        assert [one.repost for one in kept] == [number % 3 == 0 and number > 0 for number in range(30)]
        assert session.scalar(select(func.count()).select_from(Cluster)) == 21
        assert [one.status for one in keep_documents(session, "m", letters(30))] == ["known"] * 30
        assert keep_documents(session, "m", []) == []


def test_a_batch_takes_a_few_statements(settings):
    """Where each text took about ten."""
    with open_session(settings) as session:
        keep_documents(session, "m", letters(32))
        session.commit()
        asked = []
        event.listen(engine_for(settings.database), "before_cursor_execute", lambda *a: asked.append(a[2]))
        keep_documents(session, "m", letters(32, 100))
        assert len(asked) < 15


def test_codings_meet_the_first_document_of_their_address(settings):
    common = {"variable": "framing", "value": "both", "codebook_version": 1, "coder": "c", "coded_at": NOW}
    common |= {"draw": "random", "probability": 0.5, "drawn_at": NOW}
    with open_session(settings) as session:
        for number in (1, 2, 99):
            session.add(Coding(monitor="m", address=f"http://x.example/{number}", **common))
        session.commit()
        kept = keep_documents(session, "m", letters(4))
        session.commit()
        matched = dict(session.execute(select(Coding.address, Coding.document_id)).all())
        assert matched == {
            "http://x.example/1": kept[1].document_id,
            "http://x.example/2": kept[2].document_id,
            "http://x.example/99": None,
        }


def test_one_more_text_costs_the_same_in_a_larger_store(settings):
    """The work of SQLite itself, in its own steps: the clock of a busy machine says little."""

    chance = random.Random(7)  # noqa: S311 (texts, not secrets)
    steps = {}
    with open_session(settings) as session:
        connection = session.connection().connection.driver_connection
        count = 0

        def tick():
            nonlocal count
            count += 1

        connection.set_progress_handler(tick, 100)
        for batch in range(60):
            before = count
            keep_documents(session, "m", [synthetic(chance, 32 * batch + i) for i in range(32)])
            session.commit()
            steps[batch] = count - before
        connection.set_progress_handler(None, 0)
    assert max(list(steps.values())[-5:]) < 1.5 * max(list(steps.values())[2:7])
