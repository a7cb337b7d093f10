"""Models and credentials that the database keeps: changing them, showing them, and their secrets."""
