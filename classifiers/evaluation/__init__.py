"""How good probabilities are, with intervals, beside baselines and beside another model."""
