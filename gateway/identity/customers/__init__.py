"""Customers: the end users that requests name."""
