"""Requests of users for access to models, approved or disapproved."""
