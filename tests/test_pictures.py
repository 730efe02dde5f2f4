"""The pictures of the documentation: each light and dark, and small."""

from __future__ import annotations

import re

from PIL import Image

from docs.pictures import IMAGES, MODES, MOST_BYTES, PICTURES, image, main
from pipeline.settings import PROJECT_ROOT

SHOWN = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*'
    r'<img alt="[^"]{20,}" src="([^"]+)">\s*</picture>'
)


def test_a_picture_that_was_not_taken_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("docs.pictures.TAKEN", tmp_path)
    monkeypatch.setattr("docs.pictures.IMAGES", tmp_path)
    Image.new("RGB", (4, 4), (20, 30, 40)).save(tmp_path / "story-2-dyad-dark.png")
    assert main() == 1
    said = capsys.readouterr().err
    assert "story-2-dyad-light.png" in said
    assert "story-2-dyad-dark.png" not in said
    with Image.open(tmp_path / "dyad-dark.png") as made:
        assert made.convert("RGB").getpixel((1, 1)) == (20, 30, 40)


def test_every_picture_is_there_light_and_dark_and_small():
    there = {image(name, mode) for name in PICTURES for mode in MODES}
    assert set(IMAGES.glob("*.png")) == there
    for file in there:
        assert file.stat().st_size <= MOST_BYTES, file.name
        with Image.open(file) as picture:
            assert picture.size == (1280, 1000), file.name


def test_every_page_shows_a_picture_in_the_readers_mode():
    shown = []
    for page in (PROJECT_ROOT / "README.md", *sorted((PROJECT_ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        pairs = SHOWN.findall(text)
        assert text.count('.png"') == 2 * len(pairs), page.name
        assert not re.search(r"!\[[^\]]*\]\([^)]*\.png\)", text), page.name
        for dark, light in pairs:
            assert dark == light.replace(".png", "-dark.png"), page.name
            shown.append((page.parent / light).resolve())
    assert sorted(shown) == sorted(image(name, "light") for name in PICTURES)
