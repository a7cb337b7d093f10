"""Invitations: links by which people set their first password."""
