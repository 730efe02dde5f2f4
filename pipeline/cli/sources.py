"""Commands about one source, and about lists of them."""
