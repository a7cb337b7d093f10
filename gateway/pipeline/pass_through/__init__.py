"""Requests of declared pass-throughs."""
