"""The threshold of the alarm: simulated for the whole procedure, kept as a table.

Textbook thresholds hold for independent weeks about a known mean. Here mean and spread come from a short reference, and
weeks resemble the week before. ``python -m benchmarks.alarm_thresholds`` makes the table: for every length of the
reference and every autocorrelation the lowest h with at most .05 false alarms per dyad-year over ten years.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Final

_TABLE: Final = json.loads(files(__package__).joinpath("thresholds.json").read_text(encoding="utf-8"))
RATE: Final[float] = _TABLE["false_alarms_per_year"]
"""False alarms per dyad and year that the thresholds allow; a page of many dyads must print dyads x RATE."""
AUTOCORRELATIONS: Final[tuple[float, ...]] = tuple(_TABLE["autocorrelation"])
"""The autocorrelations for which h was simulated, rising."""
THRESHOLDS: Final[dict[int, tuple[float, ...]]] = {int(n): tuple(h) for n, h in _TABLE["thresholds"].items()}
"""Length of the reference -> h for each of AUTOCORRELATIONS. 24 is in months, the others in weeks."""
MONTHS: Final = 24
"""The one length in months."""
WEEKS: Final[tuple[int, ...]] = tuple(sorted(THRESHOLDS.keys() - {MONTHS}))
"""The lengths in weeks that a person may choose from: there is a threshold for no other."""


def threshold(length: int, autocorrelation: float) -> float:
    """h for a reference of 26, 52 or 104 weeks, or of 24 months.

    autocorrelation: from one period to the next, see :func:`pipeline.measure.alarm.reference.pooled_autocorrelation`;
    between two grid points the next higher one counts, below the first one the first.

    Raises ValueError for a length or an autocorrelation that was not simulated.
    """
    if length not in THRESHOLDS:
        known = ", ".join(str(n) for n in sorted(THRESHOLDS))
        raise ValueError(f"no threshold was simulated for a reference of {length} periods; there are {known}")
    if not -1 < autocorrelation <= AUTOCORRELATIONS[-1]:
        raise ValueError(
            f"an autocorrelation of {autocorrelation:.2f} is beyond the table, which ends at {AUTOCORRELATIONS[-1]}: "
            "weeks that resemble each other so much can't be told from a change"
        )
    # a hair of rounding must not lead to the next row
    at = next(i for i, rho in enumerate(AUTOCORRELATIONS) if autocorrelation <= rho + 1e-9)
    return THRESHOLDS[length][at]
