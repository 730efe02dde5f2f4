"""Makes the table of thresholds of the alarm, pipeline/measure/alarm/thresholds.json.

    python -m benchmarks.alarm_thresholds [--dyads 4000] [--write]

For every length of the reference and every autocorrelation: the lowest h, to .1 upwards, with at most .05 false alarms
per dyad-year over the ten years after the reference, each alarm counted once until it closes. The whole procedure is
simulated: mean and spread come from the reference of each dyad. The world is the hardest one, in which nothing of the
spread is known from the number of texts (V_f = 0); the more of it is, the fewer false alarms (benchmarks.alarms).
Prints the table, in some two minutes; exits 1 when the table shipped is not the one made, but for Monte-Carlo error,
and --write is not given.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np

from benchmarks.alarm_worlds import YEAR, Sums, alarms, ar1, calibrate, references, standardised, sums

FILE = Path(__file__).resolve().parent.parent / "pipeline" / "measure" / "alarm" / "thresholds.json"
RATE = 0.05
YEARS = 10
AUTOCORRELATIONS = (0.0, 0.1, 0.2, *(round(0.3 + 0.02 * i, 2) for i in range(26)))
"""Fine from .3 on, below which no autocorrelation is assumed unless someone says so."""
LENGTHS = {26: YEAR, 52: YEAR, 104: YEAR, 24: 12}
"""Length of the reference -> periods a year."""
SEED = 20090919
MARGIN = 0.04
"""By so much of itself a threshold of another seed or size may differ."""


def watched(length: int, phi: float, dyads: int, seed: int) -> Sums:
    """C of dyads in which nothing happens, ten years after their reference.

    The same random numbers for every autocorrelation, so that h rises with it.
    """
    m = ar1((length + YEARS * LENGTHS[length], dyads), phi, np.random.default_rng([seed, length]))
    v = np.zeros_like(m)
    ref = references(m, v, length)
    return sums(standardised(m, v, ref), ref.last)


def found(length: int, phi: float, dyads: int, seed: int = SEED) -> float:
    """h to .01."""
    return calibrate(watched(length, phi, dyads, seed), dyads * YEARS, RATE)


def rate(length: int, phi: float, threshold: float, dyads: int, seed: int) -> tuple[float, float]:
    """(false alarms per dyad-year, Monte-Carlo error) of a threshold."""
    raised = alarms(watched(length, phi, dyads, seed), threshold).raised.sum(axis=(0, 1)) / YEARS
    return float(raised.mean()), float(raised.std() / len(raised) ** 0.5)


def main() -> int:
    """Print the table, write it on demand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dyads", type=int, default=4000, help="simulated dyads per threshold")
    parser.add_argument("--write", action="store_true", help="replace the table that is shipped")
    given = parser.parse_args()
    table: dict[str, list[float]] = {}
    print(f"{'reference':12}" + "".join(f"{phi:7.2f}" for phi in AUTOCORRELATIONS))
    for length in LENGTHS:
        row = [found(length, phi, given.dyads) for phi in AUTOCORRELATIONS]
        table[str(length)] = [math.ceil(round(10 * h, 3)) / 10 for h in row]
        print(f"{length:<12}" + "".join(f"{h:7.2f}" for h in row), flush=True)
    if given.write:
        lines = ",\n".join(f'    "{length}": {json.dumps(row)}' for length, row in table.items())
        FILE.write_text(
            "{\n"
            f'  "false_alarms_per_year": {RATE},\n  "years": {YEARS},\n  "dyads": {given.dyads},\n  "seed": {SEED},\n'
            f'  "autocorrelation": {json.dumps(AUTOCORRELATIONS)},\n  "thresholds": {{\n{lines}\n  }}\n}}\n',
            encoding="utf-8",
        )
        return 0
    shipped = json.loads(FILE.read_text(encoding="utf-8"))["thresholds"]
    far = [
        f"{length}, {phi}: shipped {old}, made {new}"
        for length, row in table.items()
        for phi, old, new in zip(AUTOCORRELATIONS, shipped[length], row, strict=True)
        if abs(old - new) > MARGIN * new + 0.1
    ]
    print("\n".join(far) or "The table shipped is the one made.")
    return 1 if far else 0


if __name__ == "__main__":
    sys.exit(main())
