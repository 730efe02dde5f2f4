"""Riftwatch gets an environment of its own: its packages are called ``pipeline`` and ``classifiers``.

Those are common words. A foreign package of the same name would be imported in ours' place, or ours in its
place, and give wrong numbers without a word; so start-up refuses an environment that holds one.
"""

from __future__ import annotations

import importlib.util
from importlib.metadata import PackageNotFoundError, packages_distributions, version
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


def _commit(repository: Path) -> str | None:
    """The commit that a git repository stands at; null where there is none."""
    try:
        head = (repository / ".git" / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        file = repository / ".git" / reference
        if file.is_file():
            return file.read_text(encoding="ascii").strip()
        packed = (repository / ".git" / "packed-refs").read_text(encoding="ascii")
        return next((line.split()[0] for line in packed.splitlines() if line.endswith(f" {reference}")), None)
    except (OSError, UnicodeDecodeError):
        return None


def code_version() -> str:
    """Riftwatch's version and, where it runs from a git repository, the commit: ``0.1.0+1a2b3c4d5e6f``."""
    try:
        number = version(DISTRIBUTION)
    except PackageNotFoundError:
        number = "unknown"
    commit = _commit(Path(__file__).resolve().parent.parent)
    return f"{number}+{commit[:12]}" if commit else number
