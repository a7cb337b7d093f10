"""Turns one item of `model_list` into a deployment."""

from collections.abc import Mapping

import msgspec

from gateway.catalog.addresses import build_urls
from gateway.catalog.body_defaults import build_defaults
from gateway.catalog.cost_fields import CostFieldError, list_unmeasured, read_rates
from gateway.catalog.identifiers import build_id
from gateway.catalog.naming import find_provider, list_prefixes
from gateway.catalog.params import Params
from gateway.catalog.price_book import PriceBook, PriceQuery, Quote
from gateway.catalog.providers import MOCK, KeyStyle, Provider
from gateway.catalog.rates import Rates
from gateway.domain import Deployment, OnDisconnect, Secret
from gateway.errors import ConfigError
from gateway.settings import Credential, ModelEntry, Settings, SettingsNotice

__all__ = ["BuiltDeployment", "build_deployment"]

_AZURE_SERIES = ("o_series/", "gpt5_series/")
"""Between Azure's prefix and the deployment's name, LiteLLM lets an operator name the model's family."""


class BuiltDeployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment, how its price is asked for, and what its operator should know."""

    deployment: Deployment
    query: PriceQuery
    notices: tuple[SettingsNotice, ...] = ()


class _Source(msgspec.Struct, frozen=True, kw_only=True):
    """What an item of `model_list` says, with its named credential filled in."""

    entry: ModelEntry
    members: dict[str, object]
    params: Params
    info: Params
    provider: Provider
    model: str
    environ: Mapping[str, str]


def build_deployment(
    entry: ModelEntry, settings: Settings, book: PriceBook, environ: Mapping[str, str], *, now_nanos: int
) -> BuiltDeployment:
    """Build the deployment of one item of `model_list`; its price holds at `now_nanos` (since 1970).

    `environ` lends keys and addresses that the item leaves out: hand over an empty one for items that a
    tenant wrote. Raises ConfigError with the key path.
    """
    source = _read(entry, settings.credentials, environ)
    query = _query(source)
    quote = book.quote(query, now_nanos)
    key = _find_key(source)
    deployment = _with_limits(_deployment(source, key), source, settings, quote)
    return BuiltDeployment(deployment=deployment, query=query, notices=_notices(source, key, deployment))


def _read(entry: ModelEntry, credentials: Mapping[str, Credential], environ: Mapping[str, str]) -> _Source:
    path = f"{entry.key_path}.litellm_params" if entry.key_path else "litellm_params"
    members = _with_credential(entry.litellm_params, credentials, path)
    params = Params(members, path)
    provider, model = _provider(params)
    return _Source(
        entry=entry,
        members=members,
        params=params,
        info=Params(entry.model_info, path.removesuffix("litellm_params") + "model_info"),
        provider=provider,
        model=model,
        environ=environ,
    )


def _with_credential(
    members: dict[str, object], credentials: Mapping[str, Credential], path: str
) -> dict[str, object]:
    """Fill in what `litellm_credential_name` refers to; what the item itself says wins."""
    name = members.get("litellm_credential_name")
    if name is None:
        return members
    credential = credentials.get(str(name))
    if credential is None:
        message = f"names the credential '{name}', which credential_list does not have."
        raise ConfigError(message, path=f"{path}.litellm_credential_name", allowed=sorted(credentials))
    stated = {key: value for key, value in members.items() if value is not None}
    return {**credential.values, **stated}


def _provider(params: Params) -> tuple[Provider, str]:
    model, chosen = params.text("model"), params.text("custom_llm_provider")
    if model is None:
        raise ConfigError("is missing; write <provider>/<model>.", path=params.path_of("model"))
    found = find_provider(model, chosen, api_base=params.text("api_base", "base_url"))
    if found is not None:
        return found
    if chosen is not None:
        message = f"names the unknown provider '{chosen}'."
        raise ConfigError(message, path=params.path_of("custom_llm_provider"), allowed=list_prefixes())
    message = (
        f"'{model}' does not say which provider it belongs to; write <provider>/<model>, or set api_base."
    )
    raise ConfigError(message, path=params.path_of("model"), allowed=list_prefixes())


def _deployment(source: _Source, key: Secret | None) -> Deployment:
    params, provider = source.params, source.provider
    model = source.model
    if provider.prefix == "azure":
        for series in _AZURE_SERIES:
            model = model.removeprefix(series)
    base = _find_base(source)
    try:
        urls = build_urls(provider, base, model, _api_version(source))
    except ValueError as error:
        raise ConfigError(f"is {error}.", path=params.path_of("api_base")) from None
    return Deployment(
        id=build_id(source.entry),
        group=source.entry.model_name,
        provider=provider.prefix,
        model=model,
        urls=urls,
        headers=_headers(source, key),
        api_base=base,
        defaults=build_defaults(source.members, params),
        dropped_params=frozenset(params.names("additional_drop_params")),
        mock_response=params.text("mock_response"),
        does_stream_usage=provider.does_stream_usage,
        on_disconnect=_on_disconnect(params),
        tags=params.names("tags"),
        region=params.text("region_name"),
        access_groups=source.info.names("access_groups"),
        model_info=source.entry.model_info,
    )


def _with_limits(deployment: Deployment, source: _Source, settings: Settings, quote: Quote) -> Deployment:
    """Add prices, times and counts; a deployment's own time wins over the router's and the gateway's."""
    params, info, router = source.params, source.info, settings.router
    timeout = params.number("timeout") or router.timeout or settings.litellm.request_timeout
    order = params.integer("order")
    return msgspec.structs.replace(
        deployment,
        price=quote.price,
        mode=info.text("mode") or quote.mode or "chat",
        timeout_seconds=timeout,
        stream_timeout_seconds=params.number("stream_timeout") or router.stream_timeout or timeout,
        weight=params.number("weight"),
        rpm=params.integer("rpm"),
        tpm=params.integer("tpm"),
        order=0 if order is None else order,
        max_retries=params.integer("max_retries"),
        cooldown_seconds=params.number("cooldown_time"),
        max_parallel_requests=params.integer("max_parallel_requests"),
        max_input_tokens=info.integer("max_input_tokens") or quote.max_input_tokens,
        max_output_tokens=(
            info.integer("max_output_tokens") or info.integer("max_tokens") or quote.max_output_tokens
        ),
    )


def _query(source: _Source) -> PriceQuery:
    """Cost fields stand in `model_info` or, winning, in `litellm_params`."""
    return PriceQuery(
        provider=source.provider.prefix,
        model=source.model,
        base_model=source.info.text("base_model") or source.params.text("base_model"),
        rates={
            **_rates(source.entry.model_info, source.info),
            **_rates(source.entry.litellm_params, source.params),
        },
    )


def _rates(fields: dict[str, object], params: Params) -> Rates:
    try:
        return read_rates(fields)
    except CostFieldError as error:
        message = "must be a finite number of USD, at least 0."
        raise ConfigError(message, path=params.path_of(error.field)) from None


def _find_base(source: _Source) -> str:
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


def _api_version(source: _Source) -> str | None:
    stated = source.params.text("api_version")
    if stated is None and source.provider.prefix == "azure":
        return source.environ.get("AZURE_API_VERSION") or None
    return stated


def _find_key(source: _Source) -> Secret | None:
    stated = source.params.secret("api_key")
    if stated is not None:
        return stated
    lent = (source.environ.get(name) for name in source.provider.key_variables)
    return next((Secret(key) for key in lent if key), None)


def _headers(source: _Source, key: Secret | None) -> dict[str, Secret]:
    """The headers of the provider, the credential, and what the operator added; the last wins."""
    params, provider = source.params, source.provider
    headers = {name: Secret(value) for name, value in provider.headers}
    token = params.text("azure_ad_token")
    if key is not None and token is None:
        headers |= _credential_header(provider, key)
    elif token is not None:
        headers["authorization"] = Secret(f"Bearer {token}")
    organization = params.text("organization")
    if organization is not None and provider.prefix == "openai":
        headers["openai-organization"] = Secret(organization)
    for name in ("headers", "extra_headers"):
        added = Params(params.mapping(name), params.path_of(name))
        headers |= {header.lower(): Secret(_header_value(header, added)) for header in params.mapping(name)}
    return headers


def _credential_header(provider: Provider, key: Secret) -> dict[str, Secret]:
    if provider.key_style is KeyStyle.API_KEY:
        return {"api-key": key}
    return {"authorization": Secret(f"Bearer {key.reveal()}")}


def _header_value(name: str, headers: Params) -> str:
    """A line break would smuggle a second header (RFC 9110 section 5.5)."""
    value = headers.text(name) or ""
    if any(character in value or character in name for character in "\r\n\0"):
        raise ConfigError("must not contain line breaks.", path=headers.path_of(repr(name)))
    return value


def _on_disconnect(params: Params) -> OnDisconnect:
    stated = params.text("on_disconnect")
    if stated is None:
        return OnDisconnect.DRAIN
    try:
        return OnDisconnect(stated)
    except ValueError:
        allowed = [value.value for value in OnDisconnect]
        raise ConfigError("is not known.", path=params.path_of("on_disconnect"), allowed=allowed) from None


def _notices(source: _Source, key: Secret | None, deployment: Deployment) -> tuple[SettingsNotice, ...]:
    found: list[SettingsNotice] = []
    provider = source.provider
    is_offline = provider.prefix == MOCK or deployment.mock_response is not None
    has_credential = key is not None or "authorization" in deployment.headers
    if not (has_credential or provider.is_key_optional or is_offline):
        variables = " or ".join(provider.key_variables)
        message = (
            f"is missing, and so is the environment variable {variables}: calls will be refused upstream."
        )
        found.append(SettingsNotice(source.params.path_of("api_key"), message))
    for params, fields in ((source.params, source.members), (source.info, source.entry.model_info)):
        message = "is not measured by the gateway; the model is priced by its other prices, if it has any."
        found += (SettingsNotice(params.path_of(name), message) for name in list_unmeasured(fields))
    return tuple(found)
