"""Servers whose clients log in at the server's own issuer: whom they are open to, and how it is told."""

from urllib.parse import quote

from gateway.errors import UpstreamError
from gateway.hooks import HeaderPairs, RequestHead
from gateway_mcp.bases import Bases
from gateway_mcp.brought import PREFIX
from gateway_mcp.own_documents import CREDENTIALS
from gateway_mcp.places import NARROWING, Place, find_named, find_place
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = [
    "CHALLENGE",
    "DOCUMENT",
    "REFUSALS",
    "UpstreamRefusalError",
    "ask_for_credential",
    "build_challenge",
    "find_open",
    "read_again",
    "read_refusal",
    "state_refusal",
]

CHALLENGE = "www-authenticate"
DOCUMENT = "/.well-known/oauth-protected-resource"
"""Where the document about a resource stands (RFC 9728, 3.1), with the resource's path behind it."""
_AUTHORIZATION = "authorization"
_UNAUTHORIZED, _FORBIDDEN = 401, 403
REFUSALS = {_UNAUTHORIZED: "Unauthorized", _FORBIDDEN: "Forbidden"}
_NO_CREDENTIALS = frozenset((*NARROWING, "x-mcp-toolset-id", "x-mcp-tool-query", "x-mcp-tool-limit"))


class UpstreamRefusalError(UpstreamError):
    """A server has refused the token of a client; `told` is its own challenge, empty where it gave none."""

    type = "mcp_upstream_auth_error"

    def __init__(self, upstream: Upstream, status: int, told: str) -> None:
        super().__init__(REFUSALS[status], param="mcp_server", status=status)
        self.upstream = upstream
        self.told = told


def find_open(place: Place | None, head: RequestHead, upstreams: Upstreams) -> Upstream | None:
    """The server that a client without a key may speak with if it brings a token for it, None elsewhere.

    It is the only one of its path, whatever headers the client has for narrowing, and the client sends no
    other credential. A server for internal clients is nothing for others.
    """
    if place is None or not place.is_single:
        return None
    one = place.upstreams[0]
    if not one.settings.is_passed_through or not upstreams.lets_in(one, head):
        return None
    own = {upstreams.access.credential_header} - {_AUTHORIZATION}
    if any(name in own or (name.startswith(PREFIX) and name not in _NO_CREDENTIALS) for name in head.headers):
        return None
    narrowed = (head.headers[header] for header in NARROWING if header in head.headers)
    names = (name for text in narrowed for name in text.split(","))
    return one if all(find_named(name, upstreams) == (one,) for name in names) else None


def build_challenge(base: str, path: str) -> str:
    """The challenge that leads a client to the document about a path; empty without a base."""
    return f'Bearer resource_metadata="{base}{DOCUMENT}{path}"' if base else ""


def ask_for_credential(base: str, path: str) -> str:
    """The challenge that leads a client to where its user gives a credential; empty without a base."""
    place = f"{base}{CREDENTIALS}/protected-resource?path={quote(path, safe='/')}"
    return f'Bearer resource_metadata="{place}"' if base else ""


def read_refusal(upstream: Upstream, status: int, headers: HeaderPairs) -> UpstreamRefusalError:
    """What an answer of 401 or 403 means."""
    return UpstreamRefusalError(
        upstream, status, ", ".join(value for name, value in headers if name == CHALLENGE)
    )


def read_again(error: UpstreamRefusalError) -> UpstreamRefusalError:
    """The same refusal for another client: each is told in its own form."""
    return UpstreamRefusalError(error.upstream, error.status, error.told)


def state_refusal(
    error: UpstreamRefusalError, head: RequestHead, bases: Bases, upstreams: Upstreams
) -> UpstreamRefusalError:
    """The refusal as a client is told: one routine for every way on which it came.

    The server's own challenge goes along as it is. Where a 401 has none, it leads to the gateway's document.
    """
    challenge = error.told
    if not challenge and error.status == _UNAUTHORIZED:
        place = find_place(head.path, upstreams)
        is_own = place is not None and place.is_single and place.upstreams[0] is error.upstream
        path = head.path if is_own else f"/mcp/{error.upstream.name}"
        challenge = build_challenge(bases.of(head), path)
    error.headers = {CHALLENGE: challenge} if challenge else {}
    return error
