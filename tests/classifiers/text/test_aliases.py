"""Names of groups in texts, in every script: what counts as a mention, and what does not."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from classifiers.codebook import FOLDER
from classifiers.text.mask import Mask
from classifiers.text.mentions import Mentions, fold
from classifiers.text.normalise import normalise

REPOSITORY = Path(__file__).parents[3]


def named(alias, text):
    return Mentions({"g": [alias]}).named(text).get("g")


@pytest.mark.parametrize(
    ("alias", "text"),
    [
        # Latin: case, hyphens of every kind, line ends, possessives, compounds
        ("al-Qaeda", "AL-QAEDA"),
        ("al-Qaeda", "al Qaeda"),
        ("al-Qaeda", "al\u2011Qaeda, al\u2013Qaeda"),
        ("al-Qaeda", "al-\nQaeda"),
        ("al-Qaeda", "al-Qaeda's men"),
        ("al-Qaeda", "al-Qaeda\u2019s men"),
        ("al-Qaeda", "anti-al-Qaeda and al-Qaeda-linked"),
        ("al-Qaeda", "@al_qaeda"),
        ("Lamplighters' Union", "the Lamplighters\u2019 Union"),
        ("c++", "c++ and"),
        ("\u015eêx", "\u015eÊX"),
        ("Front", "Fro\u00adnt"),  # a soft hyphen
        # Arabic: article, clitics, the lam that swallows the alef, marks, tatweel, teh marbuta, presentation forms
        ("القاعدة", "والقاعدة"),
        ("القاعدة", "فبالقاعدة"),
        ("القاعدة", "كالقاعدة"),
        ("القاعدة", "للقاعدة"),
        ("القاعدة", "ولِلقاعدة"),
        ("القاعدة", "القـــاعدة"),
        ("القاعدة", "اَلْقَاعِدَةُ"),
        ("القاعدة", "القاعده،"),
        ("القاعدة", "تنظيم«القاعدة»"),
        ("القاعدة", "\u200fالقاعدة\u200e"),
        ("طالبان", "\ufec3\ufe8e\ufedf\ufe92\ufe8e\ufee5"),
        ("طالبان", "لطالبان"),
        ("طالبان", "الطالبان"),
        ("الجيش الإسلامي", "للجيش الاسلامي"),
        ("أسامة بن لادن", "وأسامه بن لادن"),
        # Persian, Urdu, Pashto: joiners, suffixes apart, kaf and yeh of either kind, ezafe
        ("طالبان", "طالبان\u200cها"),
        ("ملت\u200cها", "ملت ها"),
        ("شورای درهٔ بالا", "شوراي درۀ بالا"),
        ("لیگِ بندرگاہ", "ليگ بندرگاه"),
        ("د عراق اسلامي دولت", "د عراق اسلامی دولت"),
        # digits of every kind
        ("17N", "١٧N"),
        ("7 October", "۷ october"),
        # Cyrillic, Greek
        ("Талибан", "«ТАЛИБАН»"),
        ("Талибан", "Талибан-2"),
        ("Σύνταγμα", "ΣΎΝΤΑΓΜΑ"),
        # scripts without spaces, katakana, hangul with particles, Indian vowel signs
        ("塔利班", "阿富汗塔利班发表声明"),
        ("タリバン", "反タリバン勢力"),
        ("탈레반", "탈레반은"),
        ("तालिबान", "तालिबान ने"),
    ],
)
def test_a_name_is_found_as_an_alias(alias, text):
    assert named(alias, text) == ()


@pytest.mark.parametrize(
    ("alias", "text"),
    [
        ("ISI", "crisis and ISIL"),
        ("al-Nur", "alnurian"),
        ("17N", "17N2 and 217N"),
        ("7 October", "17 October"),
        ("Mullah Omar", "the mullah, Omar"),  # a comma parts two persons
        ("القاعدة", "قاعدة بغرام"),  # a base, without the article
        ("القاعدة", "لقاعدة عسكرية"),
        ("القاعدة", "قاعدته والقاعديون"),
        ("طالبان", "طالبانی"),  # a family name
        ("حق", "الحق"),  # two letters take no prefix
        ("塔利班", "塔利"),
        ("战", "战争"),  # one character is no name
        ("タリバン", "タリバンド"),  # another katakana word
        ("तालिबान", "तालिबानी"),
        ("Талибан", "Талибана"),  # other cases are other aliases
        ("Baath", "the bath"),
        ("Taliban", "taleban"),  # another spelling counts with a capital only
        ("al-Nur", "Nur and an Nur"),  # with the article, or not at all
        ("Kestrel", "kestral"),
    ],
)
def test_what_is_no_mention(alias, text):
    assert named(alias, text) is None


@pytest.mark.parametrize(
    ("alias", "written"),
    [
        ("al-Qaeda", "al-Qaida"),
        ("al-Qaeda", "Al-Q\u0101\u2018ida"),
        ("al-Qaeda", "Al-Qa'idah"),
        ("al-Qaeda", "el-Qaeda"),
        ("al-Qaeda", "alQaeda"),
        ("Osama bin Laden", "Usama Bin Ladin"),
        ("Osama bin Laden", "Oussama ben Laden"),
        ("Osama bin Laden", "Us\u0101ma ibn L\u0101din"),
        ("Ayman al-Zawahiri", "Aiman az-Zawahiri"),
        ("Taliban", "T\u0101lib\u0101n"),
        ("Taliban", "Taleban"),
        ("Mullah Omar", "Mulla \u02bfUmar"),
        ("Harbour League", "Harbor League"),
    ],
)
def test_other_transliterations_are_found_and_named(alias, written):
    assert named(alias, f"So said {written}'s men.") == (written,)


def test_the_alias_itself_comes_before_other_spellings():
    assert named("al-Qaeda", "al-Qaeda, which others write al-Qaida") == ()


def test_the_longer_name_is_meant_whichever_group_has_it():
    found = Mentions({"front": ["Front"], "north": ["Front of the North"], "both": ["Front of the North"]}).named
    assert list(found("the Front of the North")) == ["north", "both"]
    assert list(found("the front, and the Front of the North")) == ["front", "north", "both"]
    assert list(found("the Front of the North", "north")) == ["both"]


def test_groups_come_in_their_order_and_the_speaker_is_none():
    found = Mentions({"b": ["Belt"], "a": ["Aurin"]})
    assert list(found.named("Aurin and Belt")) == ["b", "a"]
    assert found.named("Aurin", "a") == {}
    assert Mentions({"a": ["", "!", " "]}).named("all!") == {}


@given(st.text(max_size=12))
def test_folding_is_the_same_twice(word):
    assert fold(fold(word)) == fold(word)


@given(st.lists(st.text(max_size=8), max_size=4), st.text(max_size=60))
def test_no_text_and_no_name_breaks_it(names, text):
    Mentions({"g": names}).named(text)


@given(st.from_regex(r"[A-Z][a-z]{2,8}( [A-Z][a-z]{2,8})?", fullmatch=True), st.sampled_from([" ", ". ", "; ", "\n"]))
def test_a_name_by_itself_is_found_among_other_words(name, between):
    assert named(name, f"zz{between}{name}{between}zz") == ()
    assert normalise(name) in normalise(f"zz {name} zz")


def starter_groups():
    tree = YAML(typ="safe").load((FOLDER / "starter" / "criticism" / "groups.yaml").read_text(encoding="utf-8"))
    return {g["id"]: [g["name"], *(a for each in g["aliases"].values() for a in each)] for g in tree["groups"]}


def test_every_starter_text_names_its_target_and_nobody_that_masking_does_not_find():
    groups = starter_groups()
    mentions, masks = Mentions(groups), {g: Mask(names) for g, names in groups.items()}
    rows = 0
    for file in sorted((FOLDER / "starter" / "criticism").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                found = mentions.named(row["text"])
                assert found.get(row["target"]) == (), row["id"]
                assert list(found) == [g for g, mask in masks.items() if mask.finds(row["text"])], row["id"]
                rows += 1
    assert rows == 440


def test_no_alias_of_the_founding_case_is_taken_for_another_groups():
    for file in ("taliban_al-qaeda_2009.yaml", "iraq_2006-2007.yaml"):
        tree = YAML(typ="safe").load((REPOSITORY / "monitors/founding_case" / file).read_text(encoding="utf-8"))
        groups = {g["id"]: [a for each in g["aliases"].values() for a in each] for g in tree["groups"]}
        mentions = Mentions(groups)
        for group, aliases in groups.items():
            for alias in aliases:
                assert list(mentions.named(f"zz {alias} zz")) == [group], alias
