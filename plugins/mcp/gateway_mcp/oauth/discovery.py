"""Finds the authorization server of an MCP server, and what it can do (RFC 9728, RFC 8414, OIDC)."""

import re
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from gateway.errors import UpstreamGarbled
from gateway.hooks import HeaderPairs
from gateway_mcp.oauth.network import Answer, Network, origin_of
from gateway_mcp.upstreams import Upstream

__all__ = ["Found", "Metadata", "discover", "read_challenge"]

_RESOURCE, _SERVER = "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"
_OIDC = "/.well-known/openid-configuration"
_REFUSED = 401
_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_HELLO: dict[str, object] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "gatewright", "version": "1"},
    },
}
_QUESTION: dict[str, object] = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
_STREAMS = {"accept": "application/json, text/event-stream"}
_OFFLINE = "offline_access"
_Read = TypeVar("_Read")


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What an authorization server says of itself (RFC 8414, 2), as far as it is acted on."""

    issuer: str = ""
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str = ""
    scopes_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    code_challenge_methods_supported: tuple[str, ...] = ("S256",)
    client_id_metadata_document_supported: bool = False
    authorization_response_iss_parameter_supported: bool = False


class _Resource(msgspec.Struct, frozen=True, kw_only=True):
    """What an MCP server says of itself (RFC 9728, 2)."""

    resource: str
    authorization_servers: tuple[str, ...] = ()
    scopes_supported: tuple[str, ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The authorization server of an MCP server, for what it is asked (RFC 8707), and with which scope."""

    metadata: Metadata
    resource: str
    scopes: tuple[str, ...]


async def discover(upstream: Upstream, network: Network) -> Found:
    """Look at the settings, else ask the server. Raises UpstreamError, UpstreamGarbled for what is wrong.

    The issuer that is found in the metadata is the one that was looked for, and the resource is the server.
    """
    settings = upstream.settings
    resource, scopes = settings.resource or settings.url, settings.scopes
    if settings.authorization_url:
        stated = Metadata(
            issuer=settings.issuer,
            authorization_endpoint=settings.authorization_url,
            token_endpoint=settings.token_url,
            registration_endpoint=settings.registration_url,
        )
        return Found(metadata=stated, resource=resource, scopes=scopes)
    challenge: dict[str, str] = {}
    told = None
    if not settings.issuer:
        challenge = await _ask_for_challenge(upstream, network)
        told = await _find_resource(upstream, network, challenge.get("resource_metadata", ""))
    issuer = settings.issuer or (told.authorization_servers[0] if told and told.authorization_servers else "")
    metadata = await _find_metadata(upstream, network, issuer)
    if "S256" not in metadata.code_challenge_methods_supported:
        raise _refuse(upstream, "its authorization server does not take PKCE with S256")
    if told is not None and not settings.resource:
        resource = told.resource
    if not scopes:
        scopes = tuple(challenge.get("scope", "").split()) or (told.scopes_supported if told else ())
    binding = settings.oauth_identity_binding
    wanted = (_OFFLINE, *(binding.scopes if binding is not None else ()))
    more = [one for one in wanted if one in metadata.scopes_supported and one not in scopes]
    return Found(metadata=metadata, resource=resource, scopes=(*scopes, *more))


def read_challenge(headers: HeaderPairs) -> dict[str, str]:
    """The parameters of the challenge of a 401 or 403 (RFC 6750, 3)."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name == "www-authenticate":
            for parameter, quoted, plain in _PARAMETER.findall(value):
                found.setdefault(parameter.lower(), quoted or plain)
    return found


async def _ask_for_challenge(upstream: Upstream, network: Network) -> dict[str, str]:
    """Of the handshake, else of the first question: some servers greet everybody."""
    for message in (_HELLO, _QUESTION):
        answer = await network.post_json(upstream, upstream.settings.url, message, _STREAMS)
        if answer.status == _REFUSED:
            return read_challenge(answer.headers)
    return {}


async def _find_resource(upstream: Upstream, network: Network, named: str) -> _Resource | None:
    """What the server says of itself: where its challenge says, else where it is by rule."""
    origin, path = _split(upstream.settings.url)
    places = [named] if named else list(dict.fromkeys((origin + _RESOURCE + path, origin + _RESOURCE)))
    for place in places:
        answer = await network.read(upstream, place)
        if not answer.is_good:
            continue
        told = _convert(answer, _Resource)
        if told is None or not _covers(told.resource, upstream.settings.url):
            raise _refuse(upstream, "its metadata is that of another resource")
        return told
    return None


async def _find_metadata(upstream: Upstream, network: Network, issuer: str) -> Metadata:
    """What the authorization server says of itself; a server that names none is taken for its own."""
    origin, path = _split(issuer or upstream.settings.url)
    path = path if issuer else ""
    places = [origin + _SERVER + path, origin + _OIDC + path, *([origin + path + _OIDC] if path else ())]
    for place in places:
        answer = await network.read(upstream, place)
        if not answer.is_good:
            continue
        metadata = _convert(answer, Metadata)
        if metadata is None or metadata.issuer != (issuer or metadata.issuer):
            raise _refuse(upstream, "the metadata of its authorization server is another one's")
        if not issuer and origin_of(metadata.issuer) != origin_of(origin):
            raise _refuse(upstream, "the metadata of its authorization server is another one's")
        return metadata
    if issuer:
        raise _refuse(upstream, "its authorization server has no metadata")
    # As revision 2025-03-26 has it, servers without metadata have these.
    return Metadata(
        issuer="",
        authorization_endpoint=origin + "/authorize",
        token_endpoint=origin + "/token",
        registration_endpoint=origin + "/register",
    )


def _convert(answer: Answer, kind: type[_Read]) -> _Read | None:
    try:
        return msgspec.convert(answer.document, kind)
    except msgspec.ValidationError:
        return None


def _covers(resource: str, url: str) -> bool:
    """Whether a server is the resource, or lies below it."""
    if origin_of(resource) != origin_of(url):
        return False
    wanted, given = urlsplit(resource).path.rstrip("/"), urlsplit(url).path.rstrip("/")
    return given == wanted or given.startswith(wanted + "/")


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")


def _refuse(upstream: Upstream, reason: str) -> UpstreamGarbled:
    return UpstreamGarbled(f"No login at the MCP server '{upstream.name}': {reason}.")
