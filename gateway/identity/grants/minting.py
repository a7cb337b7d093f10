"""What an access token is made of."""

from collections.abc import Callable

import msgspec

from gateway.ids import new_key

__all__ = ["Mint", "Minted", "mint_key"]


class Minted(msgspec.Struct, frozen=True, kw_only=True):
    """Who may do what with a token, and for how long; `resource` is a path, empty for all of MCP."""

    user_id: str
    client_id: str
    resource: str
    seconds: int


Mint = Callable[[Minted], str]
"""Makes a token that nobody can guess, and another one each time."""


def mint_key(minted: Minted) -> str:
    """A key, which says nothing."""
    del minted
    return new_key()
