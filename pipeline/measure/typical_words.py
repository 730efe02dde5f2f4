"""Words that are typical of one group against another: log-odds with an informative prior (Monroe et al. 2008).

Differences of shares pick common words, ratios pick words that occurred once. Log-odds that are drawn towards the
words' overall use, divided by their standard error, do neither (Monroe, Colaresi & Quinn 2008, "Fightin' Words",
Political Analysis 16, section 3.5.1).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy import stats

from classifiers.text.normalise import normalise
from pipeline.measure.balance import LEVEL, Bools, Floats

PRIOR_WORDS = 1000.0
"""Weight of the words' overall use, in words, on each side."""
LEAST_USES = 10
"""Words used less often in all are not tested."""
LEAST_TEXTS = 5
"""Texts with words, of each group."""
_WORD = re.compile(r"[^\W\d_]{2,}")


class TypicalWordsError(ValueError):
    """Typical words can't be found in these texts; says why."""


def words_of(text: str, mask: Callable[[str], str] = normalise) -> list[str]:
    """The words of ``text``, two letters or more, normalised and without the names that ``mask`` takes out.

    Give a :class:`classifiers.text.mask.Mask` of all groups' names, or a group's own name is its most typical word.
    """
    return _WORD.findall(normalise(mask(text)))


def count_words(texts: Sequence[str], mask: Callable[[str], str] = normalise) -> tuple[sp.csr_matrix, list[str]]:
    """How often each text uses each word: shape (texts, words), and the words, sorted."""
    counted = [Counter(words_of(text, mask)) for text in texts]
    words = sorted(set().union(*counted))
    at = {word: i for i, word in enumerate(words)}
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in counted])
    columns = np.array([at[word] for each in counted for word in each], dtype=np.int64)
    numbers = np.array([number for each in counted for number in each.values()], dtype=float)
    return sp.csr_matrix((numbers, (rows, columns)), shape=(len(texts), len(words))), words


@dataclass(frozen=True)
class TypicalWord:
    """One word and how typical it is."""

    word: str
    uses: tuple[int, int]
    """by A and by B"""
    log_odds: float
    """log of A's odds of the word over B's, drawn towards 0 by the prior; above 0: typical of A"""
    z: float
    """log_odds over its standard error, which allows for words that come in bursts"""
    p: float
    """two-sided, of this word alone"""
    adjusted: float
    """p adjusted for all words tested (Benjamini & Yekutieli 2001): the false discovery rate at which it is named"""


@dataclass(frozen=True)
class TypicalWords:
    """Words typical of A and of B, each the most typical first."""

    of_a: tuple[TypicalWord, ...]
    of_b: tuple[TypicalWord, ...]
    tested: int
    """words used often enough to be tested"""
    texts: tuple[int, int]
    """rows of A and of B with words"""


def typical_words(
    counts: sp.csr_matrix,
    words: Sequence[str],
    in_a: npt.ArrayLike,
    *,
    background: npt.ArrayLike | None = None,
    prior_words: float = PRIOR_WORDS,
    least: int = LEAST_USES,
    rate: float = 1 - LEVEL,
    bursts: bool = True,
) -> TypicalWords:
    """The words whose adjusted p is at most ``rate``; none is a result too.

    counts: shape (rows, words), one row per text, or per source where sources rather than texts are to be the units
    that could have been otherwise; words: one per column; in_a: shape (rows,), True for A.
    background: shape (words,), uses of each word in a larger body of texts, for the prior; None: A and B together.

    With y uses of a word in n words, prior a = prior_words x background share and a0 the sum of a:
    delta = ln[(y_A + a)/(n_A + a0 - y_A - a)] - ln[(y_B + a)/(n_B + a0 - y_B - a)],
    variance = phi [1/(y_A + a) + 1/(y_B + a)], z = delta/sqrt(variance), p from t with rows_A + rows_B - 2.
    phi is ours, not the paper's (there 1, as with ``bursts`` False): the word's Pearson dispersion over rows about its
    group's share, at least 1 (McCullagh & Nelder 1989, 4.5). Words come in bursts, a text on oil says "oil" ten times;
    with phi = 1 each use counts as evidence of its own, and words of two samples of one group are called typical.
    One phi for both groups: with one each, a group in which a word happens not to burst gets too small a variance.
    p values adjusted after Benjamini & Yekutieli 2001, which holds under any dependence between words.

    Raises TypicalWordsError with fewer than five rows of a group that have words, or no word used ``least`` times.
    """
    counts, label = sp.csr_matrix(counts, dtype=float), np.asarray(in_a)
    if counts.shape != (len(label), len(words)) or label.dtype != np.bool_:
        raise ValueError(f"counts of shape {counts.shape}, {len(words)} words and {len(label)} labels, True or False")
    if (counts.data < 0).any() or prior_words <= 0:
        raise ValueError("uses can't be negative, and the prior needs a weight above 0")
    size = np.asarray(counts.sum(axis=1), dtype=float).ravel()
    rows = int((label & (size > 0)).sum()), int((~label & (size > 0)).sum())
    if min(rows) < LEAST_TEXTS:
        raise TypicalWordsError(f"{rows[0]} and {rows[1]} texts with words; {LEAST_TEXTS} of each group are needed")
    uses = np.stack([label, ~label]).astype(float) @ counts
    if (uses.sum(axis=0) > 0).sum() < 2:
        raise TypicalWordsError("the texts use one word only, so no other word could stand in its place")
    tested = uses.sum(axis=0) >= least
    if not tested.any():
        raise TypicalWordsError(f"no word is used {least} times")
    prior = _prior(uses, background, prior_words)[tested]
    dispersion = _dispersion(counts, size, label, uses)[tested] if bursts else np.ones(int(tested.sum()))
    y, n = uses[:, tested], uses.sum(axis=1, keepdims=True)
    odds = np.log(y + prior) - np.log(n + prior_words - y - prior)
    delta = odds[0] - odds[1]
    z = delta / np.sqrt(dispersion * (1 / (y + prior)).sum(axis=0))
    p = 2 * stats.t.sf(np.abs(z), sum(rows) - 2)
    adjusted = stats.false_discovery_control(p, method="by")
    found = [
        TypicalWord(words[int(i)], (int(y[0, j]), int(y[1, j])), *(float(each[j]) for each in (delta, z, p, adjusted)))
        for j, i in enumerate(np.flatnonzero(tested))
        if adjusted[j] <= rate
    ]
    found.sort(key=lambda word: (-abs(word.z), word.word))
    return TypicalWords(
        tuple(word for word in found if word.z > 0),
        tuple(word for word in found if word.z < 0),
        int(tested.sum()),
        rows,
    )


def _prior(uses: Floats, background: npt.ArrayLike | None, prior_words: float) -> Floats:
    """Prior uses of each word, shape (words,), which sum to ``prior_words``."""
    base = uses.sum(axis=0) if background is None else np.asarray(background, dtype=float)
    if base.shape != (uses.shape[1],) or not np.all(base >= 0):
        raise ValueError("background: uses of every word, none negative, are needed")
    if np.any((base == 0) & (uses.sum(axis=0) > 0)):
        # a word that the background lacks has no prior, and its log-odds no limit
        base = base + uses.sum(axis=0)
    made: Floats = prior_words * base / base.sum()
    return made


def _dispersion(counts: sp.csr_matrix, size: Floats, label: Bools, uses: Floats) -> Floats:
    """Shape (words,), at least 1: sum over rows of (seen - expected)^2/expected by the group's share, over rows - 2.

    Expected is size x share, so the sum is that of seen^2/(size x share) less the group's uses.
    """
    row_size = np.repeat(size, np.diff(counts.indptr))
    squares = sp.csr_matrix((counts.data**2 / row_size, counts.indices, counts.indptr), shape=counts.shape)
    chi2 = np.zeros(counts.shape[1])
    for side, used in zip((label, ~label), uses, strict=True):
        share = used / used.sum()
        seen = side.astype(float) @ squares
        chi2 += np.divide(seen, share, out=np.zeros_like(seen), where=share > 0) - used
    return np.maximum(1.0, chi2 / (int((size > 0).sum()) - 2))
