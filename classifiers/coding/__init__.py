"""Codings as rows: which count and how much, what holds together, how far coders agree, what to code next."""
