"""From codings to a model with its card."""
