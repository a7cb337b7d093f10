"""Policies of the database: versions, attachments, and what follows from them."""
