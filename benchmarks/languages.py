"""Language of short texts, beside py3langid as it comes: right answers, confusions, and whether confidence is true.

    python -m benchmarks.languages

Each text is cut into pieces of about so many characters. Titles have 40 to 80 characters, posts hundreds. Exit status 1
below a floor. Without the data set (../shared/data) it says so and stops.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from pipeline.extract.language import code, identify
from pipeline.settings import PROJECT_ROOT

WATCHED = ("ar", "fa", "ps", "ur", "ku")
FLOOR = 0.99
"""of the right answers on pieces of 80 characters and more, the mean over the watched languages"""
SURE_FLOOR = 0.98
"""of the answers with confidence .9 or more that are right, among languages the detector knows in that script"""
LENGTHS = (20, 40, 80, 160, 400)
NOT_KNOWN = frozenset({"az.wp-lang-ar", "kk.wp-lang.ar", "kk.wp-lang.la"})
"""files in scripts in which the detector has never seen their language"""
DATA = PROJECT_ROOT.parent / "shared" / "data" / "langid"


@lru_cache(maxsize=1)
def _plain() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def plain(text: str) -> str | None:
    """py3langid's best answer."""
    return code(_plain().classify(text)[0])


def pieces(folder: Path, length: int) -> dict[str, list[str]]:
    """Pieces of whole words, at least ``length`` characters each, by the name of the file."""
    made: dict[str, list[str]] = {}
    for file in sorted(folder.glob("??.*.txt")):
        # the first lines name the language in English
        lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
        found, piece = [], ""
        for word in " ".join(lines).split():
            piece = f"{piece} {word}".strip()
            if len(piece) >= length:
                found.append(piece)
                piece = ""
        made[file.stem] = found
    return made


def main() -> int:
    """Print the tables; 1 when a floor is broken."""
    if not DATA.is_dir():
        print("skipped: no texts to measure on (../shared/data/langid is absent)")
        return 0
    ours: dict[int, dict[str, Counter[str | None]]] = {}
    theirs: dict[int, dict[str, float]] = {}
    bins: dict[int, list[bool]] = defaultdict(list)
    for length in LENGTHS:
        ours[length], theirs[length] = {}, {}
        for file, texts in pieces(DATA, length).items():
            true = file[:2]
            answers = [identify(text) for text in texts]
            ours[length][file] = Counter(language for language, _ in answers)
            theirs[length][file] = sum(plain(text) == true for text in texts) / len(texts)
            if file not in NOT_KNOWN:
                for language, sure in answers:
                    if language is not None and sure is not None:
                        bins[min(9, int(sure * 10))].append(language == true)

    def share(length: int, file: str) -> float:
        return ours[length][file][file[:2]] / ours[length][file].total()

    print(f"{'right, by characters':22}" + "".join(f"{length:>15}" for length in LENGTHS))
    print(f"{'':22}" + "".join(f"{'ours':>8}{'plain':>7}" for _ in LENGTHS))
    for file in ours[LENGTHS[0]]:
        print(f"{file:22}" + "".join(f"{share(n, file):8.3f}{theirs[n][file]:7.3f}" for n in LENGTHS))
    print("\ntaken for (40 characters; none: no answer)")
    for file, counts in ours[40].items():
        print(f"{file:22}" + "  ".join(f"{name or 'none'} {count}" for name, count in counts.most_common(6)))
    print("\nconfidence    answers   right   (languages the detector knows)")
    for tenth in sorted(bins):
        right = bins[tenth]
        print(f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}  {len(right):9} {sum(right) / len(right):7.3f}")
    watched = [share(n, f) for n in LENGTHS if n >= 80 for f in ours[n] if f[:2] in WATCHED]
    reached, sure = sum(watched) / len(watched), sum(bins[9]) / len(bins[9])
    print(f"\nfloor of {', '.join(WATCHED)} {FLOOR}: {'held' if reached >= FLOOR else 'BROKEN'} ({reached:.4f})")
    print(f"floor of sure answers {SURE_FLOOR}: {'held' if sure >= SURE_FLOOR else 'BROKEN'} ({sure:.4f})")
    return 0 if reached >= FLOOR and sure >= SURE_FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
