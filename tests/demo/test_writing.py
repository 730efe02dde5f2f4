import json
import random
import re
from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.text.mask import Mask
from pipeline.demo.coders import (
    choose_training,
    code_criticism,
    draw_audit,
    draw_criticism,
    quarter,
    write_criticism_codings,
    write_training_codings,
)
from pipeline.demo.world import DEMO_FOLDER, DEMO_MONITOR, HAND_WRITTEN, MADE, load_posts, load_truth
from pipeline.demo.writing.__main__ import made_texts
from pipeline.demo.writing.grammar import RUN, GrammarError, Language, Shelf, Writer, load_language, runs
from pipeline.demo.writing.plan import LANGUAGES, OUTAGE, PHASES, SHORTEST
from pipeline.measure.directed import names_of
from pipeline.monitor import load_monitor

CLAIMS = ("nationalist", "universalist", "both", "neither", "hostile", "neutral", "supportive", "openings", "closings")


@pytest.fixture(scope="module")
def made():
    return made_texts()


def test_the_shipped_texts_can_be_made_again(made):
    shipped = [json.loads(line) for line in (DEMO_FOLDER / MADE).read_text(encoding="utf-8").splitlines()]
    assert [(m.id, m.site, m.day.isoformat(), m.language, m.title, m.text) for m in made] == [
        (row["id"], row["site"], row["date"], row["lang"], row["title"], row["text"]) for row in shipped
    ]


def test_the_shipped_truth_is_what_was_planted(made):
    truth = {row.id: row for row in load_truth()}
    for one in made:
        row = truth[one.id]
        assert (row.group, row.day, row.framing, row.criticism) == (one.group, one.day, one.framing, one.criticism)
    hand = (DEMO_FOLDER / HAND_WRITTEN).read_text(encoding="utf-8").splitlines()
    assert len(truth) == len(made) + len(hand)


def test_texts_name_the_other_movement_where_the_truth_says_so_and_nowhere_else():
    names = names_of(load_monitor(DEMO_MONITOR))
    masks = {group: Mask(aliases) for group, aliases in names.items()}
    truth = {row.id: row for row in load_truth()}
    wrong = [
        post.id
        for post in load_posts()
        if post.repost_of is None
        and (row := truth[post.id]).group
        and bool(row.criticism) != masks[row.other].finds(post.text)
    ]
    assert wrong == []


def test_every_phase_has_the_lean_and_the_criticism_that_were_planned(made):
    value = {"nationalist": 1, "universalist": -1}
    for phase in PHASES:
        for group, sign in (("kestrel", 1), ("juniper", -1)):
            texts = [m for m in made if m.group == group and phase.start <= m.day < phase.end]
            texts = [m for m in texts if m.flood == bool(phase.site)]
            if group not in phase.only:
                assert texts == []
                continue
            lean = sum(value.get(m.framing, 0) for m in texts) / len(texts)
            assert lean == pytest.approx(sign * phase.lean, abs=0.06)
            assert sum(bool(m.criticism) for m in texts) / len(texts) == pytest.approx(phase.naming, abs=0.05)
            named = [m.criticism for m in texts if m.criticism]
            assert named.count("hostile") / max(1, len(named)) == pytest.approx(phase.hostile, abs=0.2)


def test_nothing_is_made_for_the_outage(made):
    assert not [m for m in made if m.group == "juniper" and OUTAGE[0] <= m.day < OUTAGE[1]]


def test_a_week_holds_texts_enough_of_both(made):
    weeks = Counter((m.group, *m.day.isocalendar()[:2]) for m in made)
    in_the_quarrel = [n for (_, year, week), n in weeks.items() if (year, week) >= (2025, 7)]
    assert min(in_the_quarrel) >= 4


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_slot_of_a_language_is_there_and_can_be_filled(code):
    language = load_language(code)
    writer = writer_of(language)
    for name in (*CLAIMS, "titles", "letters", "against_nationalist", "against_universalist"):
        for frame in getattr(language, name):
            for group in ("kestrel", "juniper"):
                said = writer.fill(frame, group)
                assert "{" not in said
                assert said.strip() == said


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_the_other_movement_is_called_is_an_alias_of_it(code):
    names = names_of(load_monitor(DEMO_MONITOR))
    for group, other in (("kestrel", "juniper"), ("juniper", "kestrel")):
        mask, own = Mask(names[other]), Mask(names[group])
        for called in load_language(code).others[group]:
            assert mask.finds(called)
            assert not own.finds(called)


@given(st.integers(0, 2**32), st.sampled_from(LANGUAGES), st.integers(2, 12))
def test_no_two_texts_of_a_writer_share_a_run_of_words(seed, code, number):
    language = load_language(code)
    writer = writer_of(language, seed)
    parts = [language.openings, language.nationalist, language.universalist, language.closings]
    seen: Counter[tuple[str, ...]] = Counter()
    for _ in range(number):
        text = writer.text(parts, "kestrel")
        writer.keep(text)
        assert all(len(run) == RUN for run in runs(text))
        seen.update(runs(text))
    assert max(seen.values()) == 1


def writer_of(language: Language, seed: int = 1) -> Writer:
    return Writer(language, random.Random(seed))  # noqa: S311 (a simulation)


def _small(*frames: str) -> Language:
    return Language(
        slots={"thing": ["wool"], "town": ["Sarn"]},
        titles=frames, openings=frames, closings=frames, nationalist=frames, universalist=frames, both=frames,
        neither=frames, against_nationalist=frames, against_universalist=frames, neutral=frames, supportive=frames,
        hostile=frames, letters=frames, others={"kestrel": ["them"]},
    )  # fmt: skip


def test_a_language_with_too_few_sentences_says_so():
    frame = "One two three four five six seven {thing} and {town}."
    writer = writer_of(_small(frame))
    assert writer.text([[frame]], "kestrel") == "One two three four five six seven wool and Sarn."
    writer.keep("One two three four five six seven wool and Sarn.")
    with pytest.raises(GrammarError, match="no sentence is left of 'One two"):
        writer.text([[frame]], "kestrel")
    writer.title(["To {other}"], "kestrel")
    with pytest.raises(GrammarError, match="no title is left"):
        writer.title(["To {other}"], "kestrel")


def test_a_shelf_knows_how_alike_a_text_is():
    shelf = Shelf()
    assert shelf.nearest("The ferry leaves at noon from the old quay.") == 0
    shelf.add("The ferry leaves at noon from the old quay.")
    shelf.add("Nothing of all this was ever heard in the valley.")
    assert shelf.nearest("the ferry leaves at noon from the old quay") == 1
    assert 0 < shelf.nearest("The ferry leaves at noon from the new quay.") < 1
    assert shelf.nearest("A word about wool and nothing else at all") == 0


def test_every_text_is_long_enough_for_an_extractor(made):
    assert min(len(one.text) for one in made) >= SHORTEST


def test_a_slot_begins_with_a_capital_where_asked():
    assert writer_of(_small("x")).fill("{Thing} of {thing}", "kestrel") == "Wool of wool"


def test_the_shipped_codings_of_criticism_are_a_sample_of_texts_that_name_the_other(tmp_path):
    truth = load_truth()
    drawn = list(draw_criticism(truth))
    assert all(row.criticism and row.critics == tuple(code_criticism(row.id, row.criticism, i) for i in (0, 1))
               for row, _ in drawn)  # fmt: skip
    for row, probability in drawn:
        stratum = [t for t in truth if t.criticism and (t.group, quarter(t.day)) == (row.group, quarter(row.day))]
        assert probability == min(1.0, 15 / len(stratum))
    rows = write_criticism_codings(tmp_path / "codings.csv")
    assert rows == 2 * len(drawn)
    assert (tmp_path / "codings.csv").read_bytes() == (DEMO_FOLDER / "criticism_codings.csv").read_bytes()


def test_nobody_codes_the_criticism_of_a_text_that_names_nobody():
    assert code_criticism("t0001", "", 0) == ""


def test_hostile_letters_begin_with_the_quarrel(made):
    letters = [m for m in made if m.criticism == "hostile"]
    before = [m for m in letters if m.day < date(2025, 2, 10)]
    during = [m for m in letters if date(2025, 2, 10) <= m.day < date(2025, 10, 12)]
    assert len(during) > 5 * len(before)
    assert sum(bool(re.search(r"[Ll]etter|مفتوحة|سرگشاده", m.title)) for m in during) >= 20


def test_the_shipped_codings_to_train_on_are_of_other_texts_than_the_audit_sample(tmp_path):
    chosen = [row.id for row, _ in choose_training(load_truth())]
    assert len(chosen) == len(set(chosen)) == 80
    assert not set(chosen) & {row.id for row, _ in draw_audit(load_truth())}
    assert write_training_codings(tmp_path / "codings.csv") == 80
    assert (tmp_path / "codings.csv").read_bytes() == (DEMO_FOLDER / "training_codings.csv").read_bytes()
