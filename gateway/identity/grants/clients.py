"""Clients of the authorization server: what they say of themselves, and where they are sent back to."""

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from gateway.cache.documents import Documents, Freshness
from gateway.db.sealing import Seal, Tokens
from gateway.errors import ServiceUnavailable
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.ids import hash_token

__all__ = ["Client", "Clients", "Registration", "build_client", "fits"]

_PURPOSE, _SECRET = "mcp-client", "mcp-client-secret"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_EDITORS = frozenset({"cursor", "vscode", "vscode-insiders", "vscodium", "windsurf", "zed"})
"""Private schemes without a dot, which RFC 8252 wants; browsers open no page by them."""
_SCHEME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+")
_NETLOC = re.compile(r"[A-Za-z0-9.:\[\]_-]*")
_MOST_TEXT = 800
"""Characters of all redirect URIs: what a client says is in its id."""
_LONGEST_NAME, _LONGEST_ID, _LONGEST_ADDRESS = 100, 4_096, 500

_WITH_SECRET = frozenset({"client_secret_post", "client_secret_basic"})
_ID = "The address that is the client's id"
_FRESHNESS = Freshness(ttl=300.0, stale=0.0)

Method = Literal["none", "client_secret_post"]


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of itself (RFC 7591, 2), as far as it is acted on."""

    redirect_uris: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=20)]
    client_name: str = ""
    token_endpoint_auth_method: str | None = None


class _Document(Registration, frozen=True, kw_only=True):
    """The same, where a client's id is the address at which it says it."""

    client_id: str


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A client as it is known here; what it is called is its own word."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    method: Method = "none"

    @property
    def publisher(self) -> str:
        """The host whose word the client's name is; empty for a client that has said it itself."""
        return urlsplit(self.client_id).netloc if self.client_id.startswith("https://") else ""


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    name: str
    redirect_uris: tuple[str, ...]
    method: Method


class Clients:
    """Registers clients and finds them again: all that is known of one is in its id, encrypted.

    So nothing is stored for clients that come once, and any worker knows them all. An id that is an address
    is that of what the client says of itself (OAuth Client ID Metadata Document).
    """

    def __init__(self, seal: Seal, documents: Documents[Mapping[str, object]]) -> None:
        self._tokens = Tokens(seal)
        self._documents = documents
        self.close = documents.close

    def register(self, registration: Registration) -> dict[str, object]:
        """The answer to a registration (RFC 7591, 3.2.1). Raises OAuthRefusal."""
        client = build_client("", registration)
        sealed = _Sealed(client.name, client.redirect_uris, client.method)
        client_id = self._tokens.close(_PURPOSE, msgspec.json.encode(sealed).decode())
        told: dict[str, object] = {
            "client_id": client_id,
            "client_name": client.name,
            "redirect_uris": list(client.redirect_uris),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": client.method,
        }
        if client.method != "none":
            secret = self._tokens.close(_SECRET, hash_token(client_id))
            told |= {"client_secret": secret, "client_secret_expires_at": 0}
        return told

    async def find(self, client_id: str) -> Client:
        """The client of an id. Raises OAuthRefusal for one that is not of here."""
        if client_id.startswith("https://"):
            return await self._read(client_id)
        text = self._tokens.open(_PURPOSE, client_id) if 0 < len(client_id) <= _LONGEST_ID else None
        if text is None:
            raise OAuthRefusal("invalid_client", "This client is unknown here: it has to register first.")
        sealed = msgspec.json.decode(text, type=_Sealed)
        return Client(
            client_id=client_id,
            name=sealed.name,
            redirect_uris=sealed.redirect_uris,
            method=sealed.method,
        )

    async def _read(self, client_id: str) -> Client:
        if not _is_address(client_id):
            raise OAuthRefusal("invalid_client", f"{_ID} is none, or has no path.")
        try:
            document = msgspec.convert(await self._documents.get(client_id, _FRESHNESS), _Document)
        except (ServiceUnavailable, msgspec.ValidationError):
            raise OAuthRefusal("invalid_client", f"{_ID} does not say who the client is.") from None
        if document.client_id != client_id or document.token_endpoint_auth_method not in {None, "none"}:
            message = f"{_ID} is another client's, or one's with a secret."
            raise OAuthRefusal("invalid_client", message)
        return build_client(client_id, document)

    def check_secret(self, client: Client, secret: str) -> None:
        """Raise OAuthRefusal unless a client that has a secret knows it."""
        if client.method == "none":
            return
        opened = self._tokens.open(_SECRET, secret[:_LONGEST_ID]) or ""
        if not hmac.compare_digest(opened, hash_token(client.client_id)):
            raise OAuthRefusal("invalid_client", "The client's secret is another one.")


def build_client(client_id: str, registration: Registration) -> Client:
    """The client that this describes. Raises OAuthRefusal for addresses that nobody is sent to."""
    uris = registration.redirect_uris
    for uri in uris:
        if not _is_allowed(uri):
            raise OAuthRefusal(
                "invalid_redirect_uri",
                f"Nobody is sent to '{uri[:100]}': redirect URIs are https, http on this machine, or of a "
                "private scheme with a dot in it, without a fragment.",
            )
    if sum(map(len, uris)) > _MOST_TEXT:
        message = f"The redirect URIs have at most {_MOST_TEXT} characters together."
        raise OAuthRefusal("invalid_client_metadata", message)
    name = "".join(char for char in registration.client_name if char.isprintable())[:_LONGEST_NAME]
    # Who asks for another way gets one that there is, and is told.
    has_secret = registration.token_endpoint_auth_method in _WITH_SECRET
    method: Method = "client_secret_post" if has_secret else "none"
    return Client(client_id=client_id, name=name or "unnamed", redirect_uris=uris, method=method)


def _is_address(client_id: str) -> bool:
    if len(client_id) > _LONGEST_ADDRESS or not _is_allowed(client_id):
        return False
    path = urlsplit(client_id).path
    return path not in {"", "/"} and {".", ".."}.isdisjoint(path.split("/"))


def fits(uri: str, registered: Sequence[str]) -> bool:
    """Whether a redirect URI is one of these; on the same machine the port is free (RFC 8252, 7.3)."""
    if not _is_allowed(uri):
        return False
    return uri in registered or (_is_here(urlsplit(uri)) and _portless(uri) in map(_portless, registered))


def _is_allowed(uri: str) -> bool:
    if not (uri.isascii() and uri.isprintable()) or set(uri) & set(' \\"<>#'):
        return False
    try:
        parts = urlsplit(uri)
        is_plain = parts.port != 0 and _NETLOC.fullmatch(parts.netloc) is not None
    except ValueError:
        return False
    if parts.scheme in {"http", "https"}:
        return is_plain and bool(parts.hostname) and (parts.scheme == "https" or _is_here(parts))
    return is_plain and (parts.scheme in _EDITORS or _SCHEME.fullmatch(parts.scheme) is not None)


def _is_here(parts: SplitResult) -> bool:
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _portless(uri: str) -> str:
    parts = urlsplit(uri)
    if not _is_here(parts):
        return uri
    return parts._replace(netloc=parts.hostname or "").geturl()
