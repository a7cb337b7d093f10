"""Tokens of an identity provider: which are genuine, and who presents them."""
