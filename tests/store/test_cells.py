import tracemalloc
from datetime import UTC, date, datetime

import numpy as np
import pytest
from sqlalchemy import select

from pipeline.report import Report
from pipeline.store.cells import (
    last_collected,
    model_in_force,
    own_texts,
    random_codings,
    waiting_codings,
    write_measures,
)
from pipeline.store.runs import record_run
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Coding, Document, Framing, Model, Promotion, TrendCell

T = datetime(2024, 3, 5, 23, 30, tzinfo=UTC)


def _document(session, number, **values):
    plain = {
        "id": number,
        "monitor": "m",
        "source": "s",
        "group_id": "a",
        "speaker": "own",
        "address": f"https://example.org/{number}",
        "text": f"text {number}",
        "text_digest": str(number),
        "published_at": T,
        "collected_at": T,
        "updated_at": T,
        "extractor": "test",
    }
    session.add(Document(**(plain | values)))
    session.flush()


def _model(session, number):
    session.add(Model(id=number, variable="framing", name=f"m{number}", sha256="0", trained_at=T, training_balance=0.0))
    session.flush()


def _framing(session, document, model, **values):
    plain = {"text_digest": str(document), "featuriser": "f", "p_first": 0.7, "p_second": 0.1}
    session.add(Framing(document_id=document, model_id=model, scored_at=T, **(plain | {"label": "x"} | values)))
    session.flush()


def _coding(session, document, **values):
    plain = {
        "monitor": "m",
        "address": f"https://example.org/{document}",
        "document_id": document,
        "variable": "framing",
        "value": "both",
        "codebook_version": 1,
        "coder": "one",
        "coded_at": T,
        "draw": "random",
        "probability": 0.2,
        "drawn_at": T,
    }
    session.add(Coding(**(plain | values)))
    session.flush()


def test_own_texts_with_their_framing(store_settings):
    with open_session(store_settings) as session:
        _model(session, 1)
        _model(session, 2)
        session.add(Cluster(id=1, monitor="m", first_document_id=2))
        session.flush()
        _document(session, 1, group_id="b", cluster_id=1)
        _document(session, 2, cluster_id=1, source="t")
        _document(session, 3, published_at=datetime(2023, 1, 1, tzinfo=UTC))
        _document(session, 4, speaker="observer")
        _document(session, 5, published_at=None)
        _document(session, 6, monitor="other")
        _document(session, 7, group_id=None)
        _framing(session, 1, 1)
        _framing(session, 2, 2)
        _framing(session, 3, 1, text_digest="older")
        _document(session, 8, group_id="c")
        _framing(session, 8, 1, p_first=None, p_second=None, label=None)
        session.commit()
        texts = own_texts(session, "m", 1)
        assert texts.group.tolist() == ["a", "a", "b", "c"]
        assert texts.cluster.tolist() == [-3, 1, 1, -8]
        assert texts.counts.tolist() == [True, True, False, True]
        assert texts.source.tolist() == ["s", "t", "s", "s"]
        assert texts.day.astype(object).tolist() == [date(2023, 1, 1), *[date(2024, 3, 5)] * 3]
        assert texts.p_nationalist == pytest.approx([np.nan, np.nan, 0.7, np.nan], nan_ok=True)
        assert (texts.undated, texts.wordless) == (1, 1)
        assert np.isnan(own_texts(session, "m", None).p_nationalist).all()
        assert len(own_texts(session, "nothing", 1)) == 0


def test_only_random_codings_of_framing_count(store_settings):
    with open_session(store_settings) as session:
        session.add(Cluster(id=9, monitor="m", first_document_id=1))
        session.flush()
        _document(session, 1, cluster_id=9)
        _document(session, 2)
        _coding(session, 1)
        _coding(session, 2, coder="two", probability=None)
        _coding(session, 1, draw="active")
        _coding(session, 1, variable="criticism")
        _coding(session, 1, monitor="other")
        _coding(session, 3, document_id=None)
        session.commit()
        made = random_codings(session, "m")
        assert [(c.cluster, c.coder, c.probability, c.drawn_at) for c in made] == [
            (9, "one", 0.2, T),
            (-2, "two", None, T),
        ]
        assert waiting_codings(session, "m") == 1


def test_the_newest_promotion_names_the_model(store_settings):
    with open_session(store_settings) as session:
        assert model_in_force(session) is None
        for number, model in enumerate((1, 2, 1)):
            if number < 2:
                _model(session, model)
            session.add(Promotion(variable="framing", model_id=model, promoted_at=T, comment="x"))
            session.flush()
        session.add(Promotion(variable="criticism", model_id=2, promoted_at=T, comment="x"))
        session.flush()
        assert model_in_force(session).id == 1


def test_when_sources_were_last_collected(store_settings):
    def run(source, day, **counts):
        record_run(
            session,
            Report(job="collect", **counts),
            started_at=datetime(2024, 5, day, tzinfo=UTC),
            monitor="m",
            source=source,
        )

    with open_session(store_settings) as session:
        run("s", 1, found=3)
        run("s", 2)
        run("s", 3, failed=1, problems=("can't be reached",))
        run("partly", 4, found=2, problems=("one page failed",))
        run("never", 5, problems=("can't be reached",))
        record_run(session, Report(job="measure"), started_at=T, monitor="m")
        _document(session, 1, source="imported")
        assert last_collected(session, "m") == {
            "s": datetime(2024, 5, 2, tzinfo=UTC),
            "partly": datetime(2024, 5, 4, tzinfo=UTC),
            "imported": T,
        }


def test_years_of_runs_are_not_read_into_memory(settings):
    with open_session(settings) as session:
        for number in range(500):
            report = Report(job="collect", found=1, problems=(f"{number} " * 2000,))
            record_run(session, report, started_at=T, monitor="m", source="s")
        session.commit()
        last_collected(session, "m")
        tracemalloc.start()
        try:
            assert last_collected(session, "m") == {"s": T}
            assert tracemalloc.get_traced_memory()[1] < 500_000
        finally:
            tracemalloc.stop()


def _row(start, **values):
    empty = dict.fromkeys(
        (
            "estimator",
            "balance",
            "low",
            "high",
            "variance",
            "freedom",
            "lam",
            "model_balance",
            "framed",
            "model_variance",
            "missing",
            "model_id",
        )
    )
    counts = {"texts": 0, "clusters": 0, "sources": 0, "codings": 0, "late": 0, "companions": {}, "flags": []}
    key = {"monitor": "m", "group_id": "a", "period": "month", "start": start, "end": start}
    return empty | counts | key | values


def test_rows_are_replaced_as_one(store_settings):
    january, february, march = (date(2024, month, 1) for month in (1, 2, 3))
    with open_session(store_settings) as session, open_session(store_settings) as reader:

        def seen():
            rows = reader.execute(select(TrendCell.start, TrendCell.texts).order_by(TrendCell.start)).all()
            reader.rollback()
            return [tuple(row) for row in rows]

        write_measures(session, "m", [_row(january, texts=1), _row(february, texts=2)], [], T)
        assert seen() == []
        session.commit()
        later = datetime(2024, 6, 1, tzinfo=UTC)
        assert write_measures(session, "m", [_row(february, texts=5), _row(march, texts=3)], [], later).deleted == 1
        assert seen() == [(january, 1), (february, 2)]
        session.commit()
        assert seen() == [(february, 5), (march, 3)]
