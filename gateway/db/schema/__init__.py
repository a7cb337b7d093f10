"""The database schema: what it should be, what it is, and the forward-only steps between the two."""
