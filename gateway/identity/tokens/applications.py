"""The application that a token was issued to, on the Principal of who presents it."""

from functools import partial
from weakref import ref

import msgspec

from gateway.domain import Principal
from gateway.identity.tokens.claims import Claims
from gateway.settings.jwt import ClaimFields

__all__ = ["Applications", "read_application"]

_MOST = 64
"""Applications of one caller that are remembered; an identity provider knows few."""


def read_application(claims: Claims, fields: ClaimFields) -> str | None:
    """The application that a token names, empty if it names none; None where nobody asks for it."""
    return None if fields.mcp_client_id is None else claims.text(fields.mcp_client_id) or ""


class Applications:
    """Principals that say which application was used: one object for each, as long as the caller is known.

    What else is known of a caller is found by the identity of its Principal.
    """

    def __init__(self) -> None:
        self._named: dict[int, tuple[ref[Principal], dict[str, Principal]]] = {}

    def __len__(self) -> int:
        return len(self._named)

    def name(self, principal: Principal, application: str) -> Principal:
        """The Principal, and those of its other teams, with an application."""
        identity = id(principal)
        known = self._named.get(identity)
        if known is None:
            known = self._named[identity] = (ref(principal, partial(_forget, self._named, identity)), {})
        named = known[1].get(application)
        if named is None:
            if len(known[1]) >= _MOST:
                known[1].clear()
            named = known[1][application] = _name(principal, application)
        return named


def _name(principal: Principal, application: str) -> Principal:
    return msgspec.structs.replace(
        principal,
        client_application=application,
        alternatives=tuple(_name(one, application) for one in principal.alternatives),
    )


def _forget(
    named: dict[int, tuple[ref[Principal], dict[str, Principal]]], identity: int, _principal: object
) -> None:
    named.pop(identity, None)
