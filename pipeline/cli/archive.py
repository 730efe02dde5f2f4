"""Commands about the raw archive and what it holds."""
