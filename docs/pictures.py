"""Makes the pictures of ``docs/images/`` from those that the story of ``make run`` takes: ``make pictures``.

A picture of a page has few colours: with 256 of them it looks the same and weighs a third.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from pipeline.settings import PROJECT_ROOT

TAKEN = PROJECT_ROOT / "build" / "screenshots"
IMAGES = PROJECT_ROOT / "docs" / "images"
PICTURES = {"overview": "story-1-overview", "dyad": "story-2-dyad", "label": "story-4-label", "model": "story-8-bridge"}
"""name in the documentation -> name among the screenshots; each is there light and dark"""
MODES = ("light", "dark")
MOST_BYTES = 150_000
"""of one picture"""


def image(name: str, mode: str) -> Path:
    """Where a picture stands; the light one has the bare name."""
    return IMAGES / (f"{name}.png" if mode == "light" else f"{name}-{mode}.png")


def main() -> int:
    """Make every picture that was taken; 1 where one is missing or too large."""
    missing, large = [], []
    for name, taken in PICTURES.items():
        for mode in MODES:
            source, made = TAKEN / f"{taken}-{mode}.png", image(name, mode)
            if not source.exists():
                missing.append(source.name)
                continue
            with Image.open(source) as picture:
                few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
                few.save(made, optimize=True)
            if made.stat().st_size > MOST_BYTES:
                large.append(made.name)
    if missing:
        sys.stderr.write(f"Not taken yet: {', '.join(missing)}. Run the long test tests/e2e/test_up.py first.\n")
    if large:
        sys.stderr.write(f"Larger than {MOST_BYTES:,} bytes: {', '.join(large)}.\n")
    return 1 if missing or large else 0


if __name__ == "__main__":
    sys.exit(main())
