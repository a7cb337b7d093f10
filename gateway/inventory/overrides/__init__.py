"""Settings of secret managers that the database keeps."""
