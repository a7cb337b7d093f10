"""Where a deployment is and how it knows the gateway: address, API version, key and headers."""

from gateway.catalog.params import Params
from gateway.catalog.providers import KeyStyle, Provider
from gateway.catalog.source import Source
from gateway.domain import Secret
from gateway.errors import ConfigError

__all__ = ["build_headers", "credential_header", "find_api_version", "find_base", "find_key"]


def find_base(source: Source) -> str:
    """The base address: the item's, the environment's, or the provider's own; raises ConfigError if none."""
    provider = source.provider
    stated = source.params.text("api_base", "base_url")
    if stated is None:
        lent = (source.environ.get(name) for name in provider.base_variables)
        stated = next((base for base in lent if base), None) or provider.base
    if stated is None:
        variables = " or ".join(provider.base_variables)
        message = f"is missing, and the provider '{provider.prefix}' has no address of its own"
        hint = f"; set it, or the environment variable {variables}." if variables else "."
        raise ConfigError(message + hint, path=source.params.path_of("api_base"))
    return stated


def find_api_version(source: Source) -> str | None:
    """The version that Azure's addresses carry, if one is stated."""
    stated = source.params.text("api_version")
    if stated is None and source.provider.prefix == "azure":
        return source.environ.get("AZURE_API_VERSION") or None
    return stated


def find_key(source: Source) -> Secret | None:
    """The key: the item's, or the first of the provider's variables that is set."""
    stated = source.params.secret("api_key")
    if stated is not None:
        return stated
    lent = (source.environ.get(name) for name in source.provider.key_variables)
    return next((Secret(key) for key in lent if key), None)


def build_headers(source: Source, key: Secret | None) -> dict[str, Secret]:
    """The headers of the provider, the credential, and what the operator added; the last wins."""
    params, provider = source.params, source.provider
    headers = {name: Secret(value) for name, value in provider.headers}
    token = params.text("azure_ad_token")
    if key is not None and token is None:
        headers |= credential_header(provider, key)
    elif token is not None:
        headers["authorization"] = Secret(f"Bearer {token}")
    organization = params.text("organization")
    if organization is not None and provider.prefix == "openai":
        headers["openai-organization"] = Secret(organization)
    for name in ("headers", "extra_headers"):
        added = Params(params.mapping(name), params.path_of(name))
        headers |= {header.lower(): Secret(_header_value(header, added)) for header in params.mapping(name)}
    return headers


def credential_header(provider: Provider, key: Secret) -> dict[str, Secret]:
    """The header in which a provider wants a key."""
    if provider.key_style is KeyStyle.API_KEY:
        return {"api-key": key}
    return {"authorization": Secret(f"Bearer {key.reveal()}")}


def _header_value(name: str, headers: Params) -> str:
    """A line break would smuggle a second header (RFC 9110 section 5.5)."""
    value = headers.text(name) or ""
    if any(character in value or character in name for character in "\r\n\0"):
        raise ConfigError("must not contain line breaks.", path=headers.path_of(repr(name)))
    return value
