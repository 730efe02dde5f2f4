"""Which groups a text names: what a targeted codebook is coded towards."""

from __future__ import annotations

from classifiers.text.mask import Mask
from pipeline.monitor import Monitor


class Naming:
    """Finds the monitor's groups in texts, by name and by alias, in every spelling that masking folds."""

    def __init__(self, monitor: Monitor) -> None:
        self._names = {
            group.id: Mask([group.name, *(alias for each in group.aliases.values() for alias in each)])
            for group in monitor.groups
        }

    def named_in(self, text: str, speaker: str | None = None) -> list[str]:
        """The groups that ``text`` names, in the monitor's order; the one that speaks is none of them."""
        return [group for group, names in self._names.items() if group != speaker and names.finds(text)]
