"""The two heads of a codebook: two yes-or-no questions, and which values say yes to which.

Head by head a text may get yes and yes, or no and no: that is why values such as *both* and *neither* are no side of
one scale. The first head counts +1 in a balance, the second -1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Heads:
    """Names of the two heads, and for each value whether it says yes to the first and to the second."""

    names: tuple[str, str]
    values: tuple[tuple[str, bool, bool], ...]
    """(value, yes to the first head, yes to the second), in alphabetical order of the values"""

    @classmethod
    def of(cls, heads: Mapping[str, Iterable[str]], values: Iterable[str]) -> Heads:
        """From head -> the values it says yes to, and all values. Raises ValueError in words when they don't fit."""
        names, known = tuple(heads), sorted(set(values))
        yes = {name: set(said) for name, said in heads.items()}
        if len(names) != 2:
            raise ValueError(f"a codebook has two heads, not {len(names)}; its first counts +1, its second -1")
        for name, said in yes.items():
            if unknown := sorted(said - set(known)):
                raise ValueError(f"head {name} names the unknown value {unknown[0]!r}")
            if not said:
                raise ValueError(f"head {name} names no value; nothing would ever say yes to it")
        made = tuple((value, value in yes[names[0]], value in yes[names[1]]) for value in known)
        patterns = [pattern for _, *pattern in made]
        for (value, *pattern), before in zip(made, range(len(made)), strict=True):
            if pattern in patterns[:before]:
                twin = made[patterns.index(pattern)][0]
                raise ValueError(
                    f"values {twin} and {value} say the same to both heads; no model could tell them apart"
                )
        for name, alone in zip(names, ([True, False], [False, True]), strict=True):
            if alone not in patterns:
                raise ValueError(
                    f"head {name} has no value of its own: a value that says yes to it and no to the other"
                )
        return cls((names[0], names[1]), made)

    @property
    def value_names(self) -> tuple[str, ...]:
        """All values, in alphabetical order."""
        return tuple(value for value, *_ in self.values)

    def truth(self, values: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Coded values -> shape (n, 2): which head should say yes. ValueError for a value that is none."""
        patterns = {value: (first, second) for value, first, second in self.values}
        if unknown := sorted({str(value) for value in values} - set(patterns)):
            raise ValueError(f"unknown value {unknown[0]!r}; write one of {', '.join(patterns)}")
        return np.array([patterns[str(value)] for value in values], dtype=bool).reshape(-1, 2)

    def labels(self, probabilities: Floats) -> npt.NDArray[np.str_]:
        """Shape (n, 2) -> (n,): the most probable value, were the heads independent.

        That is what the heads say at one half, wherever a value says so; NaN counts as a half.
        """
        patterns = sorted(self.values, key=lambda value: -value[1] - value[2])  # at exactly one half the answer is yes
        p = np.clip(np.nan_to_num(np.asarray(probabilities, dtype=float), nan=0.5), 1e-12, 1 - 1e-12)[:, None, :]
        yes = np.array([pattern for _, *pattern in patterns], dtype=bool)
        likely = np.log(np.where(yes, p, 1 - p)).sum(axis=2)
        made: npt.NDArray[np.str_] = np.array([value for value, *_ in patterns])[np.argmax(likely, axis=1)]
        return made

    def value_probabilities(self, probabilities: Floats) -> Floats:
        """Shape (n, 2) -> (n, values): of each value in :attr:`value_names`, were the heads independent.

        Where every yes and no has a value, those of a head sum to the head's own probability.
        """
        p = np.asarray(probabilities, dtype=float)[:, None, :]
        yes = np.array([pattern for _, *pattern in self.values], dtype=bool)
        each = np.where(yes, p, 1 - p).prod(axis=2)
        made: Floats = each / each.sum(axis=1, keepdims=True)
        return made

    def sided(self, values: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Shape (n,): the values that say yes to exactly one head."""
        truth = self.truth(values)
        made: npt.NDArray[np.bool_] = truth[:, 0] != truth[:, 1]
        return made

    def sides(self, probabilities: Floats) -> list[str]:
        """The higher of the two heads, for texts known to be on one side: the value that says yes to it alone."""
        patterns = {(first, second): value for value, first, second in self.values}
        first, second = patterns[True, False], patterns[False, True]
        return [first if a >= b else second for a, b in probabilities]
