"""Settings of the database."""
