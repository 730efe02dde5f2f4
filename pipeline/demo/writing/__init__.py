"""Writes the demo's everyday texts: sentences with slots in three languages, and the plan of what is planted."""
