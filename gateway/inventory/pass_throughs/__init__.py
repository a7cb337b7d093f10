"""Pass-throughs of the database."""
