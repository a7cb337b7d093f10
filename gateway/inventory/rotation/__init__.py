"""Encrypting anew what the database keeps encrypted."""
