"""Which pass-throughs a key may call: its own lists, those of its team, and the routes that it is held to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from gateway.access.routes import covers_pass_through, route_refusal
from gateway.domain import Principal
from gateway.errors import PermissionDenied
from gateway.identity.login.sessions import MCP_METHOD

__all__ = [
    "check_denied",
    "check_pass_through_routes",
    "is_below",
    "is_open_to",
    "list_allowed",
    "list_denied",
]

_ALLOWED, _DENIED = "allowed_passthrough_routes", "denied_passthrough_routes"
_Metadata = Mapping[str, object]


def check_pass_through_routes(principal: Principal, path: str) -> None:
    """Raise PermissionDenied unless key and team let the caller through at this path.

    A list of pass-throughs opens them to a key that is held to other routes, and closes all others; the key
    of a client of MCP stays held to its routes. Without a list all are open, to a key that is held to routes
    only where these take them in.
    """
    check_denied(principal, path)
    named = list_allowed(principal.metadata, principal.team_metadata)
    if named:
        if not any(is_below(entry, path) for entry in named):
            raise PermissionDenied(
                f"This key may call some pass-throughs only, and {path[:200]} is not among them.",
                param=_ALLOWED,
            )
        if principal.metadata.get("login_method") != MCP_METHOD:
            return
    allowed = principal.allowed_routes
    if allowed and not any(covers_pass_through(entry, path) for entry in allowed):
        raise route_refusal(path)


def is_open_to(principal: Principal, path: str) -> bool:
    """Whether `check_pass_through_routes` lets the caller through."""
    try:
        check_pass_through_routes(principal, path)
    except PermissionDenied:
        return False
    return True


def check_denied(principal: Principal, path: str) -> None:
    """Raise PermissionDenied for a path that key or team deny; nobody denies a proxy admin anything."""
    if principal.is_admin:
        return
    denied = list_denied(principal.metadata, principal.team_metadata)
    entry = next((entry for entry in denied if is_below(entry, path)), None)
    if entry is not None:
        raise PermissionDenied(
            f"This key may not call {path[:200]}. Matched `{entry}` in `{_DENIED}`.", param=_DENIED
        )


def list_allowed(*owners: _Metadata) -> Sequence[str]:
    """The list of the first owner that has one."""
    return next((found for owner in owners if (found := _texts(owner.get(_ALLOWED)))), ())


def list_denied(*owners: _Metadata) -> Iterator[str]:
    """What any owner denies."""
    for owner in owners:
        yield from _texts(owner.get(_DENIED))


def is_below(entry: str, path: str) -> bool:
    """Whether an entry takes in a path: the same one, one below it, or with `*` one that begins so."""
    if entry.endswith("*"):
        return path.startswith(entry[:-1]) or path == entry[:-1].rstrip("/")
    plain = entry.rstrip("/")
    return path == plain or path.startswith(plain + "/")


def _texts(value: object) -> Sequence[str]:
    # What is no list of texts has been noted as unreadable when the caller was built.
    return cast("Sequence[str]", value) if isinstance(value, list) else ()
