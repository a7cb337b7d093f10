"""Models of the database."""
