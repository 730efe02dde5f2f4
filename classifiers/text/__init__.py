"""Text in, numbers out: spelling folded, names taken out, cut into passages, counted in buckets."""
