"""SCIM 2.0 (RFC 7643, RFC 7644): users and teams as an identity provider's directory writes them."""
