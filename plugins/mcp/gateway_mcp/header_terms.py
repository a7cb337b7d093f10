"""What the operator says of the headers with which a server is asked, and of the credential in them."""

import base64
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

import msgspec

from gateway_mcp.brought import CREDENTIALS, is_free
from gateway_mcp.token_terms import FORWARDED, TokenTerms

__all__ = ["HeaderTerms", "Variable"]

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_USUAL = "authorization"
_SCHEMES = {
    "bearer_token": "Bearer {}",
    "oauth2": "Bearer {}",
    "oauth2_token_exchange": "Bearer {}",
    "oauth2_id_jag": "Bearer {}",
    "basic": "Basic {}",
    "token": "token {}",
    **dict.fromkeys(("api_key", "authorization", *FORWARDED), "{}"),
}


class Variable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value for which `${NAME}` stands in headers: each user's own, or the operator's for all of them.

    Without a `scope` it is the operator's where there is a `value`. Beside `user` a value means nothing.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
    description: str | None = None
    scope: Literal["user", "global"] | None = None
    value: str | None = None

    __repr__ = object.__repr__

    @property
    def is_users(self) -> bool:
        """Whether each user gives it."""
        return self.scope == "user" or (self.scope is None and self.value is None)


class HeaderTerms(TokenTerms, msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The members of a server that are about headers, by LiteLLM's names, and those about tokens."""

    env: dict[str, str] = {}
    auth_value: str | None = None
    authentication_token: str | None = None
    upstream_token_header: str = ""
    static_headers: dict[str, str] = {}
    extra_headers: tuple[str, ...] = ()
    env_vars: tuple[Variable, ...] = ()

    __repr__ = object.__repr__

    @property
    def credential(self) -> str:
        """What the server is asked with."""
        return self.auth_value or self.authentication_token or ""

    @property
    def forwards_tokens(self) -> bool:
        """Whether its `auth_type` says that clients bring tokens of the server's own issuer."""
        return self.auth_type in FORWARDED

    @cached_property
    def client_headers(self) -> frozenset[str]:
        """The headers of clients that go along, in lower case."""
        named = frozenset(map(str.lower, self.extra_headers))
        return named | {"authorization"} if self.forwards_tokens else named

    def headers(self, given: str = "") -> dict[str, str]:
        """The headers for the server, in lower case; `given` is the credential that a user has brought."""
        value = given or (self.credential if self.auth_type != "none" else "")
        return {**self.lower_static_headers(), **self.present(value)}

    @cached_property
    def own_headers(self) -> dict[str, str]:
        """The same without such a credential; not to be changed."""
        return self.headers()

    def fill(self, headers: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
        """The headers with the values of a user in those that the operator has set."""
        filled = dict(headers)
        wanted = {one.name: values[one.name] for one in self.user_variables}
        for name in self.lower_static_headers():
            filled[name] = _replace(filled[name], wanted)
        return filled

    @cached_property
    def user_variables(self) -> tuple[Variable, ...]:
        """The variables whose values users give."""
        return tuple(one for one in self.env_vars if one.is_users)

    def lower_static_headers(self) -> dict[str, str]:
        """The headers that do not depend on any caller, but for what users put in."""
        own = {one.name: self._value_of(one) for one in self.env_vars if not one.is_users}
        return {name.lower(): _replace(value, own) for name, value in self.static_headers.items()}

    def _value_of(self, variable: Variable) -> str:
        return variable.value if variable.value is not None else self.env[variable.name]

    def present(self, value: str) -> dict[str, str]:
        """The header in which the server looks for a credential; a bearer token where nothing is said."""
        if not value:
            return {}
        kind = "bearer_token" if self.auth_type == "none" else self.auth_type
        if kind == "basic" and ":" in value:
            value = base64.b64encode(value.encode()).decode()
        return {self.token_header: _SCHEMES[kind].format(value)}

    @property
    def token_header(self) -> str:
        """The header in which the server looks for a credential, in lower case."""
        return self.upstream_token_header.lower() or ("x-api-key" if self.auth_type == "api_key" else _USUAL)

    @cached_property
    def credential_headers(self) -> frozenset[str]:
        """The headers in which a client may bring a credential for it, without the operator naming them."""
        return frozenset({self.token_header}) if self.upstream_token_header else CREDENTIALS

    def check_token_header(self) -> None:
        """Raise ValueError for a place where no credential may be."""
        name = self.upstream_token_header
        if not name:
            return
        if self.forwards_tokens or self.signs_requests:
            raise ValueError(f"with auth_type '{self.auth_type}' there is no 'upstream_token_header'")
        if not _HEADER.fullmatch(name) or not is_free(name.lower()):
            raise ValueError(f"'upstream_token_header': '{name[:100]}' is no header for a credential")

    def check_variables(self) -> None:
        """Raise ValueError for variables that nobody gives a value."""
        for one in self.env_vars:
            if not one.is_users and one.value is None and one.name not in self.env:
                raise ValueError(f"'env_vars': '{one.name}' is everybody's, and has no 'value'")

    def check_headers(self) -> None:
        """Raise ValueError for headers that cannot be sent, or that are not a client's to set."""
        for name in self.extra_headers:
            if not _HEADER.fullmatch(name) or not is_free(name.lower()):
                raise ValueError(f"'extra_headers': '{name[:100]}' is no header that a client may set")
        for name, value in self.headers().items():
            if not _HEADER.fullmatch(name) or not (value.isascii() and value.isprintable()):
                raise ValueError(f"the header '{name[:100]}' cannot be sent")


def _replace(text: str, values: Mapping[str, str]) -> str:
    """A text with values in the place of `${NAME}`; what stands in a value is no variable."""
    if not values:
        return text
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)
