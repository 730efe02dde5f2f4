"""Clusters beyond the simple cases of test_documents: links, crowds, workers side by side."""

import random
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from pipeline.extract.similarity import bands, jaccard, shingles, signature
from pipeline.store import clusters
from pipeline.store.session import migrate, open_session
from pipeline.store.tables import Cluster, Document, MinHashBand
from tests.store.test_documents import PARAGRAPH, count, first_of, keep

WORDS = [f"word{i}" for i in range(2000)]


def words(seed, length=120):
    return random.Random(seed).sample(WORDS, length)  # noqa: S311 (texts, not secrets)


def cluster_of(session, kept):
    return session.get(Document, kept.document_id).cluster_id


def test_a_text_that_links_two_clusters_joins_the_earlier_and_leaves_the_other(store_settings):
    left, right = words(1), words(2)
    link = left[:70] + right[:70]
    texts = [" ".join(part) for part in (left, right, link)]
    grams = [shingles(text) for text in texts]
    assert jaccard(grams[0], grams[2]) > clusters.SAME_TEXT < jaccard(grams[1], grams[2])
    with open_session(store_settings) as session:
        later = keep(session, text=texts[0], source="a", date="2010-02-02")
        earlier = keep(session, text=texts[1], source="b", date="2010-02-01")
        both = keep(session, text=texts[2], source="c", date="2010-01-01")
        assert both.repost
        assert cluster_of(session, both) == cluster_of(session, earlier) != cluster_of(session, later)
        assert first_of(session, earlier.document_id) == both.document_id


def test_the_heir_of_a_text_that_left_is_still_found(store_settings):
    with open_session(store_settings) as session:
        keep(session)
        heir = keep(session, source="b")
        keep(session, text="Quite another announcement about the market at dawn on Friday.")
        near = keep(session, text="AGENCY, Tuesday. " + PARAGRAPH, source="c")
        assert near.repost
        assert cluster_of(session, near) == cluster_of(session, heir)
        assert set(session.scalars(select(MinHashBand.document_id))) >= {heir.document_id}


def test_a_cluster_without_documents_is_gone(store_settings):
    with open_session(store_settings) as session:
        keep(session)
        keep(session, text="Quite another announcement about the market at dawn on Friday.")
        assert count(session, Cluster) == 1
        orphans = select(func.count()).where(~select(Document).where(Document.cluster_id == Cluster.id).exists())
        assert session.scalar(orphans.select_from(Cluster)) == 0


def test_a_shared_letterhead_makes_no_cluster_and_no_crowd(settings, monkeypatch):
    monkeypatch.setattr(clusters, "CROWDED", 5)
    letterhead = " ".join(words(99, 40))
    with open_session(settings) as session:
        for number in range(30):
            keep(session, text=letterhead + " " + " ".join(words(number)), address=f"http://a.example/{number}")
        assert count(session, Cluster) == 30
        carried = select(func.count()).group_by(MinHashBand.value).select_from(MinHashBand)
        assert max(session.scalars(carried)) <= 5
        text = "Agency report. " + letterhead + " " + " ".join(words(29))
        assert keep(session, text=text, source="b").repost


def test_workers_side_by_side_make_one_cluster_of_one_text(store_settings):
    migrate(store_settings)

    def work(number):
        with open_session(store_settings) as session:
            return keep(session, source=f"s{number}").document_id

    with ThreadPoolExecutor(6) as pool:
        documents = list(pool.map(work, range(12)))
    with open_session(store_settings) as session:
        assert len(set(documents)) == count(session, Document) == 12
        assert count(session, Cluster) == 1
        assert first_of(session, documents[0]) == min(documents)


def test_the_cost_of_a_text_does_not_grow_with_its_reposts(settings):
    """The same number of statements for the first and for the fiftieth repost."""
    from sqlalchemy import event

    from pipeline.store.session import engine_for

    with open_session(settings) as session:
        asked: list[str] = []
        event.listen(engine_for(settings.database), "before_cursor_execute", lambda *a: asked.append(a[2]))
        costs = []
        for number in range(50):
            asked.clear()
            keep(session, address=f"http://a.example/{number}")
            costs.append(len(asked))
        assert len(set(costs[1:])) == 1


def test_bands_of_near_texts_meet():
    text = " ".join(words(5))
    assert set(bands(signature(shingles(text)))) & set(bands(signature(shingles(text + " and more"))))
