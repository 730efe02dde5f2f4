"""Riftwatch gets an environment of its own: its packages are called ``pipeline`` and ``classifiers``.

Those are common words. A foreign package of the same name would be imported in ours' place, or ours in its
place, and give wrong numbers without a word; so start-up refuses an environment that holds one.
"""

from __future__ import annotations

import importlib.util
from importlib.metadata import packages_distributions
from pathlib import Path

DISTRIBUTION = "riftwatch"
PACKAGES = ("pipeline", "classifiers")


class ForeignPackageError(RuntimeError):
    """Another package has the name of one of ours; says which and what to do."""


def refuse_foreign_packages() -> None:
    """Raise :class:`ForeignPackageError` when one of our import names is not, or not only, ours."""
    ours = Path(__file__).resolve().parent.parent
    owners = packages_distributions()
    for name in PACKAGES:
        others = sorted(set(owners.get(name, ())) - {DISTRIBUTION})
        if others:
            raise ForeignPackageError(
                f"the package {name} is also installed by {', '.join(others)}; "
                "install Riftwatch into an environment of its own (make install)"
            )
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if found != ours / name:
            raise ForeignPackageError(
                f"the package {name} would be imported from {found}, not from {ours / name}; start Riftwatch "
                "in an environment of its own and from a folder without a package of that name"
            )
