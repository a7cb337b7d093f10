"""What a browser brings back from the identity provider."""

import msgspec

from gateway.db.rows import Columns

__all__ = ["Arrived", "SsoAnswer"]


class SsoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The query of the callback; `issuer` is where the answer says that it comes from (RFC 9207)."""

    state: str | None = None
    code: str | None = None
    error: str | None = None
    issuer: str | None = None


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """Who came back from the provider, where the browser wanted to go, and which terminal waits.

    `told` is what the provider says of who only tries it out: nobody is logged in then, and `user` is empty.
    """

    user: Columns
    told: Columns | None = None
    return_to: str = ""
    terminal: str = ""
