"""Limits and budgets together: one atomic step takes everything that a request needs, or nothing."""
