"""Named credentials of the database."""
