"""``python -m pipeline.cli``: the same as ``riftwatch``."""

from pipeline.cli import main

main()
