"""The journal, its drain into PostgreSQL, and what is reported from there."""
