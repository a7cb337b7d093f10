"""Logging in at an identity provider: OpenID Connect, and OAuth 2 where a provider has no more."""
