"""Settings of a console that the database keeps."""
