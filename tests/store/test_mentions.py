"""Names are looked for while texts are erased: neither waits for what the other holds."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow

import pytest
from sqlalchemy import delete, select

from pipeline.settings import Settings
from pipeline.store.mentions import keep_mentions, unscanned
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Cluster, Document, Mention, ScannedText
from tests.measure.test_directed import HOSTILE, Q1, Store

OLD, NEW = {"a": "1" * 32}, {"a": "2" * 32}
FOUND = {"b": (True, True)}


@pytest.fixture
def postgres(postgres_address, tmp_path):
    made = Settings(data=tmp_path / "data", database_url=postgres_address, default_delay=0.0)
    yield made
    engine_for(made.database).dispose()


def look_again(settings):
    """Look for other names in every text, as a scan does."""
    with open_session(settings) as session:
        texts = unscanned(session, "m", NEW, after=0, limit=100)
        keep_mentions(session, texts, NEW, {text.document: FOUND for text in texts})
        session.commit()


def test_a_scan_and_an_erasure_at_once_do_not_wait_for_each_other(postgres):
    """The erasure has locked a document that was scanned; the scan comes to it; the erasure goes on."""
    with open_session(postgres) as session:
        store = Store(session)
        texts = [store.text("a", Q1, HOSTILE).id for _ in range(2)]
        looked = unscanned(session, "m", OLD, after=0, limit=100)
        keep_mentions(session, looked, OLD, dict.fromkeys(texts, FOUND))
        session.commit()
    with open_session(postgres) as erasing, ThreadPoolExecutor(1) as pool:
        erasing.execute(select(Document.id).where(Document.id == texts[0]).with_for_update()).all()
        scan = pool.submit(look_again, postgres)
        with pytest.raises(TooSlow):
            scan.result(timeout=1)  # it waits for the document
        erasing.execute(Cluster.__table__.update().values(first_document_id=None))
        erasing.execute(delete(Document).where(Document.id == texts[0]))  # the mentions of it go along
        erasing.commit()
        scan.result(timeout=30)
    with open_session(postgres) as session:
        assert session.scalars(select(Mention.document_id)).all() == [texts[1]]
        assert session.execute(select(ScannedText.document_id, ScannedText.names)).all() == [(texts[1], NEW["a"])]
