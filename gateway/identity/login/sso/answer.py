"""What a browser brings back from the identity provider."""

import msgspec

__all__ = ["SsoAnswer"]


class SsoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The query of the callback; `issuer` is where the answer says that it comes from (RFC 9207)."""

    state: str | None = None
    code: str | None = None
    error: str | None = None
    issuer: str | None = None
