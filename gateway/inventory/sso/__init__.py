"""Settings of the identity provider that the database keeps."""
