"""What one batch of charges changes in the database."""
