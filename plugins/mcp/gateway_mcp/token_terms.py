"""What the operator says of the tokens with which a server is asked."""

import re
from importlib import import_module
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from gateway_mcp.identity_terms import IdentityBinding
from gateway_mcp.signature_terms import SIGNED, SignatureTerms

__all__ = ["ASSERTIONS", "FORWARDED", "AuthType", "TokenMethod", "TokenTerms", "check_address"]

ASSERTIONS = "gateway_mcp.oauth.assertions"
"""The module that signs; what it needs takes a while to import: only who has a key waits for it."""
TokenMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
"""How the gateway says at a token endpoint who it is."""

AuthType = Literal[
    "none",
    "api_key",
    "bearer_token",
    "basic",
    "authorization",
    "token",
    "oauth2",
    "oauth2_token_exchange",
    "oauth2_id_jag",
    "aws_sigv4",
    "true_passthrough",
    "oauth_delegate",
]
FORWARDED = frozenset({"true_passthrough", "oauth_delegate"})
"""Kinds of servers that are asked with what clients bring, and with nothing else."""

_ADDRESSES = (
    *("issuer", "authorization_url", "token_url", "registration_url", "token_exchange_endpoint"),
    "id_jag_resource_token_endpoint",
)
_EXCHANGE, _JAG = "oauth2_token_exchange", "oauth2_id_jag"
_RESOURCE = re.compile(r"auto|[A-Za-z][A-Za-z0-9+.-]*:[!-\"$-~]{1,2000}")
_ENTRA = "entra_obo"
_SIGNED = "private_key_jwt"
_CLIENT = ("client_id", "client_secret")
_KEY = ("client_private_key", "client_private_key_id", "client_assertion_signing_alg")
_OF_EXCHANGE = ("token_exchange_endpoint", "token_exchange_profile", "subject_token_type")
_OF_LOGIN = (
    *("oauth2_flow", "issuer", "authorization_url", "token_url", "registration_url"),
    "oauth_identity_binding",
)
_OF_ALL = (
    *(*_CLIENT, *_KEY, "scopes", "audience"),
    *("token_endpoint_auth_method", "token_validation", "token_storage_ttl_seconds"),
)
_AT_RESOURCE = ("id_jag_resource_client_id", "id_jag_resource_client_secret")
_OF_JAG = ("id_jag_resource_token_endpoint", "id_jag_resource", "id_jag_subject_source", *_AT_RESOURCE)
_CALLER = "caller"
_ALLOWED: dict[str, tuple[str, ...]] = {
    "oauth2": (*_OF_LOGIN, "upstream_resource", *_OF_ALL),
    _EXCHANGE: (*_OF_EXCHANGE, "upstream_resource", *_OF_ALL),
    _JAG: ("token_exchange_endpoint", "subject_token_type", *_OF_JAG, *_OF_ALL),
}
"""What may be said of tokens, by kinds of servers."""


class TokenTerms(SignatureTerms, msgspec.Struct, frozen=True, kw_only=True):
    """The members of a server that are about tokens, by LiteLLM's names, and those about signatures."""

    auth_type: AuthType = "none"
    oauth2_flow: Literal["client_credentials", "authorization_code"] | None = None
    issuer: str = ""
    authorization_url: str = ""
    token_url: str = ""
    registration_url: str = ""
    token_endpoint_auth_method: TokenMethod | None = None
    client_id: str = ""
    client_secret: str = ""
    client_private_key: str = ""
    client_private_key_id: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    client_assertion_signing_alg: str = ""
    scopes: tuple[str, ...] = ()
    audience: str | None = None
    upstream_resource: str = ""
    token_exchange_endpoint: str = ""
    token_exchange_profile: Literal["rfc8693", "entra_obo"] | None = None
    subject_token_type: Annotated[str, msgspec.Meta(max_length=200)] = ""
    id_jag_resource_token_endpoint: str = ""
    id_jag_resource: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    id_jag_subject_source: str = ""
    id_jag_resource_client_id: str = ""
    id_jag_resource_client_secret: str = ""
    token_validation: dict[str, str | bool | int] = {}
    token_storage_ttl_seconds: float | None = None
    oauth_identity_binding: IdentityBinding | None = None

    __repr__ = object.__repr__

    @property
    def fetches_token(self) -> bool:
        """Whether it is asked with a token that is the gateway's own."""
        return self.auth_type == "oauth2" and self.oauth2_flow == "client_credentials"

    @property
    def logs_users_in(self) -> bool:
        """Whether it is asked with tokens that are a user's own."""
        return self.auth_type == "oauth2" and self.oauth2_flow != "client_credentials"

    @property
    def exchanges_tokens(self) -> bool:
        """Whether it is asked with tokens that the gateway gets for those of its callers."""
        return self.auth_type in {_EXCHANGE, _JAG}

    @property
    def asserts_identities(self) -> bool:
        """Whether an identity provider vouches for callers to the authorization server of the server."""
        return self.auth_type == _JAG

    @property
    def is_entras(self) -> bool:
        """Whether tokens are exchanged as Microsoft Entra does it."""
        return self.token_exchange_profile == _ENTRA

    @property
    def is_asked_with_tokens(self) -> bool:
        """Whether it is asked with tokens that the gateway has been granted, whosever they are."""
        return self.auth_type in _ALLOWED

    @property
    def signs_requests(self) -> bool:
        """Whether each request to it is signed."""
        return self.auth_type == SIGNED

    @property
    def token_addresses(self) -> tuple[str, ...]:
        """Where the operator has authorization servers asked."""
        found = (self.issuer, self.authorization_url, self.token_url, self.registration_url)
        own = (self.token_exchange_endpoint, self.id_jag_resource_token_endpoint)
        return tuple(filter(None, (*found, *own)))

    def check_tokens(self, *, has_credential: bool) -> None:
        """Raise ValueError for members that do not go together."""
        known = _ALLOWED.get(self.auth_type, ())
        for name in dict.fromkeys(name for names in _ALLOWED.values() for name in names):
            if getattr(self, name) and name not in known:
                others = " or ".join(f"'{one}'" for one, names in _ALLOWED.items() if name in names)
                raise ValueError(f"'{name}' needs auth_type {others}")
        if not self.is_asked_with_tokens:
            return
        if has_credential:
            raise ValueError(f"with auth_type '{self.auth_type}' there is no 'auth_value' and no 'is_byok'")
        self._check_client()
        for name in _ADDRESSES:
            check_address(name, getattr(self, name))
        if self.upstream_resource and not _RESOURCE.fullmatch(self.upstream_resource):
            raise ValueError("'upstream_resource' is 'auto', or an absolute URI without a fragment")
        self._check_binding()
        if self.exchanges_tokens:
            self._check_exchange()
        elif self.fetches_token:
            self._demand("'oauth2_flow: client_credentials'", ("token_url",))
            self._demand_client("'oauth2_flow: client_credentials'")
        elif bool(self.authorization_url) != bool(self.token_url):
            raise ValueError("'authorization_url' and 'token_url' go together")

    def _check_binding(self) -> None:
        binding = self.oauth_identity_binding
        if binding is None:
            return
        if self.fetches_token:
            raise ValueError("'oauth_identity_binding' is for servers at which users log in")
        check_address("oauth_identity_binding.issuer", binding.issuer)
        check_address("oauth_identity_binding.jwks_url", binding.jwks_url)
        if binding.is_on and not (binding.issuer or self.issuer):
            raise ValueError("'oauth_identity_binding' needs 'issuer', its own or the server's")
        if not binding.principal_claim:
            raise ValueError("'oauth_identity_binding.principal_claim' is the name of a claim")

    def _check_client(self) -> None:
        """Raise ValueError for a client that cannot say who it is."""
        key, method = self.client_private_key, self.token_endpoint_auth_method
        for name in ("client_secret", "client_private_key"):
            if getattr(self, name) and not self.client_id:
                raise ValueError(f"'{name}' needs 'client_id'")
        if key and self.client_secret:
            raise ValueError("'client_private_key' is in the place of 'client_secret': there is one of them")
        if method is not None and (method == _SIGNED) != bool(key):
            raise ValueError(f"'token_endpoint_auth_method: {_SIGNED}' and 'client_private_key' go together")
        for name in _KEY[1:]:
            if getattr(self, name) and not key:
                raise ValueError(f"'{name}' needs 'client_private_key'")
        if key:
            import_module(ASSERTIONS).read_signer(key, self.client_assertion_signing_alg)

    def _demand_client(self, reason: str) -> None:
        if not self.client_private_key:
            self._demand(reason, _CLIENT)

    def _check_exchange(self) -> None:
        reason = f"auth_type '{self.auth_type}'"
        self._demand(reason, ("token_exchange_endpoint",))
        self._demand_client(reason)
        if self.asserts_identities:
            self._demand(reason, ("id_jag_resource_token_endpoint", "audience"))
            self._check_jag()
        if not self.is_entras:
            return
        self._demand("'token_exchange_profile: entra_obo'", ("scopes",))
        for name in ("audience", "upstream_resource", "subject_token_type"):
            if getattr(self, name):
                raise ValueError(f"with 'token_exchange_profile: entra_obo' 'scopes' say it, not '{name}'")

    def _check_jag(self) -> None:
        if self.id_jag_subject_source not in {"", _CALLER}:
            raise ValueError(
                f"'id_jag_subject_source' is '{_CALLER}', as without it: the identity provider is brought "
                "the token that the caller sends, and no other is kept"
            )
        identifier, secret = (getattr(self, name) for name in _AT_RESOURCE)
        if secret and not identifier:
            raise ValueError(f"'{_AT_RESOURCE[1]}' needs '{_AT_RESOURCE[0]}'")
        # The secret that the identity provider knows is nothing for another authorization server.
        if identifier and not (secret or self.client_private_key):
            raise ValueError(f"'{_AT_RESOURCE[0]}' needs '{_AT_RESOURCE[1]}', or 'client_private_key'")

    def _demand(self, reason: str, names: tuple[str, ...]) -> None:
        missing = next((name for name in names if not getattr(self, name)), None)
        if missing is not None:
            raise ValueError(f"{reason} needs '{missing}'")


def check_address(name: str, url: str) -> None:
    """Raise ValueError for a setting that is no address; empty is none."""
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc):
        raise ValueError(f"'{name}' is an address that begins with http:// or https://, without a user")
