"""Bounded in-process caches and their invalidation."""
