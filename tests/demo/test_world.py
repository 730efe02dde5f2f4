import re
from collections import Counter, defaultdict

import pytest

from pipeline.demo.coders import PER_STRATUM, address_of, code, draw_audit, quarter, write_audit_codings
from pipeline.demo.world import BASE_PORT, DEMO_FOLDER, SITES, demo_monitor_text, load_posts, load_truth


@pytest.fixture(scope="module")
def posts():
    return load_posts()


@pytest.fixture(scope="module")
def truth():
    return load_truth()


def test_there_are_two_years_of_texts_in_three_languages(posts):
    originals = [p for p in posts if p.repost_of is None]
    assert len(originals) >= 1800
    months = {(p.day.year, p.day.month) for p in originals}
    assert len(months) == 24
    languages = Counter(p.language for p in originals)
    assert min(languages["ar"], languages["fa"]) >= 180
    assert languages["en"] >= 1400


def test_every_site_has_texts_and_the_named_quirks_exist(posts):
    assert {p.site for p in posts} == {s.name for s in SITES}
    assert Counter(p.quirk for p in posts if p.quirk) == {"wrong-date": 1, "legacy-encoding": 1}


def test_no_two_texts_share_a_run_of_eight_words(posts):
    """Framing can't be a phrase, nothing counts as a quotation, and no cluster forms by accident."""
    seen: dict[tuple[str, ...], str] = {}
    shared = []
    for post in posts:
        if post.repost_of is None:
            words = re.findall(r"\w+", post.text.lower())
            for run in zip(*(words[i:] for i in range(8)), strict=False):
                if seen.setdefault(run, post.id) != post.id:
                    shared.append((seen[run], post.id, " ".join(run)))
    assert shared == []


def test_the_truth_speaks_of_every_text_once(posts, truth):
    assert sorted(t.id for t in truth) == sorted(p.id for p in posts if p.repost_of is None)


def test_what_the_coders_say_can_be_made_again(truth):
    assert all(t.coders == (code(t.id, t.framing, 0), code(t.id, t.framing, 1)) for t in truth)


def test_the_coders_err_but_not_much(truth):
    for coder, least in ((0, 0.80), (1, 0.74)):
        agreement = sum(t.coders[coder] == t.framing for t in truth) / len(truth)
        assert least < agreement < 0.95


def test_framing_is_no_keyword(posts, truth):
    """Whoever told nationalist from universalist by one word would be wrong for every third text."""
    framing = {t.id: t.framing for t in truth}
    texts: Counter[str] = Counter()
    where: dict[str, Counter[str]] = defaultdict(Counter)
    for post in posts:
        if post.repost_of is None and post.language == "en" and framing[post.id] in {"nationalist", "universalist"}:
            texts[framing[post.id]] += 1
            for word in set(re.findall(r"[a-z]{3,}", post.text.lower())):
                where[word][framing[post.id]] += 1
    accuracy = {
        word: 0.5 + abs(n["nationalist"] / texts["nationalist"] - n["universalist"] / texts["universalist"]) / 2
        for word, n in where.items()
    }
    best = max(accuracy, key=accuracy.__getitem__)
    assert accuracy[best] < 0.67, (best, accuracy[best], where[best])


def test_the_groups_write_all_four_values(truth):
    for group in ("kestrel", "juniper"):
        assert set(Counter(t.framing for t in truth if t.group == group)) == {
            "nationalist", "universalist", "both", "neither",
        }  # fmt: skip


def test_nothing_of_the_fellowship_is_dated_in_the_outage(truth):
    assert not [t for t in truth if t.group == "juniper" and "2024-05-06" <= t.day.isoformat() <= "2024-06-16"]


def test_one_source_floods_in_november_2024(posts):
    radio = Counter((p.day.year, p.day.month) for p in posts if p.site == "juniper-radio")
    others = [n for month, n in radio.items() if month != (2024, 11)]
    assert radio[2024, 11] >= 45
    assert radio[2024, 11] > 5 * max(others)


def test_the_audit_sample_has_so_many_a_group_and_quarter(truth):
    draw = list(draw_audit(truth))
    sizes = Counter((t.group, quarter(t.day)) for t, _ in draw)
    assert len(sizes) == 16
    assert set(sizes.values()) == {PER_STRATUM}
    for row, probability in draw:
        stratum = [t for t in truth if (t.group, quarter(t.day)) == (row.group, quarter(row.day))]
        assert probability == PER_STRATUM / len(stratum)


def test_the_shipped_audit_codings_are_that_sample(tmp_path):
    assert write_audit_codings(tmp_path / "codings.csv") == 2 * 16 * PER_STRATUM
    assert (tmp_path / "codings.csv").read_bytes() == (DEMO_FOLDER / "audit_codings.csv").read_bytes()


def test_the_world_can_be_moved_to_other_ports(posts):
    text = demo_monitor_text(BASE_PORT + 3)
    assert f"127.0.0.1:{BASE_PORT + 3}/feed.xml" in text
    assert f"127.0.0.1:{BASE_PORT}" not in text
    assert address_of(posts[0], 9000).startswith("http://127.0.0.1:900")
