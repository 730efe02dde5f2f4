"""Full-text search: one column of normalised words feeds FTS5 on SQLite and a tsvector on PostgreSQL."""
