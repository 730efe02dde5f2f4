"""The same store and seed give the same tables, bit for bit, on any number of threads of the linear algebra."""

import csv
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from sqlalchemy import insert
from threadpoolctl import threadpool_info, threadpool_limits

from pipeline.measure.one_thread import one_thread
from pipeline.measure.sheet import SheetError, dyad_sheet
from pipeline.settings import PROJECT_ROOT
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Cluster, Coding, Document, Framing
from tests.measure.conftest import CLOSED_LIST, COLLECTED, World, make_monitor

FIRST, DAYS = date(2023, 1, 2), 700
TEXTS = {"a": 24_000, "b": 6_000}
"""of a there are more than 10,000 in a year, from which on the linear algebra cuts a sum of products in parts"""
SOURCES = 12
CODED = 40
"""one text of so many is coded"""
CLOCK = {"as_of", "measured_at", "found_at", "looked_at"}
"""when it was made, in each table"""
WORDS = ["water", "school", "market", "border", "harvest", "temple", "river", "union", "letter", "winter", "garden"]

ASKED = """
import sys
import numpy as np
from threadpoolctl import threadpool_info
from pipeline.cli import main
if sys.argv[1] == "probe":
    print([one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"])
    print([float(long @ long).hex() for long in np.random.default_rng(1).normal(size=(20, 12_000))])
else:
    main()
"""


def fill(settings):
    """Two groups of twelve sources each; a moves half way. One text in forty was drawn and coded."""
    rng = np.random.default_rng(3)
    clusters, documents, framings, codings = [], [], [], []
    number = 0
    for group, texts in TEXTS.items():
        for _ in range(texts):
            number += 1
            days = int(rng.integers(DAYS))
            level = 0.15 if group == "a" and days > DAYS // 2 else 0.0
            f = float(np.clip(rng.normal(level, 0.3), -1, 1))
            clusters.append({"id": number, "monitor": "m", "first_document_id": None})
            documents.append(
                {
                    "id": number, "monitor": "m", "source": f"{group}-{int(rng.integers(SOURCES))}", "group_id": group,
                    "speaker": "own", "address": f"https://example.org/{number}", "title": None, "language": "en",
                    "text": " ".join(rng.choice(WORDS, 8)), "text_digest": f"{number:064d}", "extractor": "test",
                    "published_at": datetime.combine(FIRST + timedelta(days=days), time(9), tzinfo=UTC),
                    "collected_at": COLLECTED, "updated_at": COLLECTED, "cluster_id": number,
                }
            )  # fmt: skip
            framings.append(
                {
                    "document_id": number, "text_digest": f"{number:064d}", "featuriser": "test",
                    "p_first": (1 + f) / 2, "p_second": (1 - f) / 2, "label": "neither", "scored_at": COLLECTED,
                }
            )  # fmt: skip
            if number % CODED == 0:
                value = str(rng.choice(["nationalist", "universalist", "neither"], p=[(1 + f) / 3, (1 - f) / 3, 1 / 3]))
                codings.append(
                    {
                        "monitor": "m", "address": f"https://example.org/{number}", "document_id": number,
                        "variable": "framing", "value": value, "codebook_version": 1, "coder": "one",
                        "coded_at": COLLECTED, "draw": "random", "probability": 1 / CODED, "drawn_at": CLOSED_LIST,
                    }
                )  # fmt: skip
    with open_session(settings) as session:
        model = World(session).model()
        session.execute(insert(Cluster), clusters)
        session.execute(insert(Document), documents)
        session.execute(insert(Framing), [{"model_id": model.id} | row for row in framings])
        session.execute(insert(Coding), codings)
        for row in clusters:
            row["first_document_id"] = row["id"]
        session.bulk_update_mappings(Cluster, clusters)
        session.commit()


def monitor():
    return make_monitor(
        periods=["week", "quarter", "year"],
        sources=[
            {
                "id": f"{group}-{one}", "group": group, "speaker": "own", "kind": "feed",
                "addresses": [f"https://{group}{one}.example/feed"],
            }
            for group in TEXTS
            for one in range(SOURCES)
        ],
    )  # fmt: skip


def without_clock(file):
    """The table as it is, but for when it was made."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return [{name: cell for name, cell in row.items() if name not in CLOCK} for row in csv.DictReader(lines)]


@pytest.mark.long
def test_the_number_of_threads_changes_no_figure(settings, tmp_path):
    fill(settings)
    engine_for(settings.database).dispose()
    file = tmp_path / "m.yaml"
    file.write_text(monitor().model_dump_json(exclude_defaults=True), encoding="utf-8")
    probes, tables, sheets = [], [], []
    for threads in (1, 2):
        data = tmp_path / "copy"  # of one name: a sheet may name files
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(settings.data, data)
        environment = {"PATH": os.environ["PATH"], "RIFTWATCH_DATA": str(data)}
        environment |= {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "OPENBLAS", "MKL")}

        def run(*arguments, environment=environment):
            return subprocess.run(
                [sys.executable, "-c", ASKED, *arguments], env=environment, cwd=PROJECT_ROOT, check=True,
                capture_output=True, text=True,
            ).stdout  # fmt: skip

        probes.append(run("probe").splitlines())
        run("measure", "--monitor", str(file))
        run("export", "--monitor", str(file), "--out", str(data / "out"))
        tables.append({one.name: without_clock(one) for one in sorted((data / "out").glob("*.csv"))})
        days = ["--reference", "2023-01-02", "2024-01-01", "--present", "2024-01-01", "2024-12-01"]
        sheets.append(json.loads(run("sheet", "a", "b", "--monitor", str(file), "--json", *days)))
    # where the probes are alike (one processor, another library) the tables must be too
    print("sums of products differ between one and two threads:", probes[0][1] != probes[1][1])  # noqa: T201
    (years,) = [{row["framed"] for row in tables[0]["trends.csv"] if row["period"] == "year"}]
    assert max(map(int, years)) > 10_000
    assert {"corrected", "uncorrected"} <= {row["estimator"] for row in tables[0]["gaps.csv"]}
    for name, rows in tables[0].items():
        assert rows == tables[1][name], name
    said = json.dumps(sheets[0])
    for made in ("over 12 and 12 sources", "placebo", "partisanship of words:"):
        assert made in said
    assert said == json.dumps(sheets[1])


def threads():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_the_limit_is_lifted_again():
    before = threads()
    assert set(one_thread(threads)()) == {1}
    assert threads() == before


def test_a_product_as_a_sheet_of_many_words_has_it_is_the_same():
    rng = np.random.default_rng(0)
    shares, weights = rng.random((1, 30, 18_000)), rng.random(18_000)
    made = []
    for number in (1, 2):
        with threadpool_limits(limits=number, user_api="blas"):
            made.append(one_thread(lambda: shares @ weights)())
    np.testing.assert_array_equal(*made)


def test_a_sheet_is_made_on_one_thread(monkeypatch):
    seen = []
    monkeypatch.setattr("pipeline.measure.sheet.model_in_force", lambda _: seen.append(threads()))
    with pytest.raises(SheetError, match="no model is in force"):
        dyad_sheet(None, make_monitor(), "a", "b", None, None)
    assert set(*seen) == {1}
