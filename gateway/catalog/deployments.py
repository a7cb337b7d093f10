"""Turns one item of `model_list` into a deployment."""

from collections.abc import Mapping

import msgspec

from gateway.catalog.addresses import build_urls
from gateway.catalog.body_defaults import build_defaults, build_response_defaults
from gateway.catalog.client_choice import read_client_params
from gateway.catalog.connection import build_headers, find_api_version, find_base, find_key
from gateway.catalog.cost_fields import CostFieldError, list_unmeasured, read_rates
from gateway.catalog.identifiers import build_id
from gateway.catalog.params import Params
from gateway.catalog.price_book import PriceBook, PriceQuery, Quote
from gateway.catalog.providers import MOCK
from gateway.catalog.rates import Rates
from gateway.catalog.source import Source, read_source
from gateway.catalog.unsupported import build_param_rules, find_unsupported
from gateway.domain import Deployment, OnDisconnect, Secret
from gateway.errors import ConfigError
from gateway.money import nanos_from_usd
from gateway.settings import ModelEntry, Settings, SettingsNotice

__all__ = ["BuiltDeployment", "build_deployment"]

_AZURE_SERIES = {"o_series/": "o3", "gpt5_series/": "gpt-5"}
"""Between Azure's prefix and the deployment's name, LiteLLM lets an operator name the model's family.

Each with a model of the family, whose parameters it has.
"""


class BuiltDeployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment, how its price is asked for, and what its operator should know."""

    deployment: Deployment
    query: PriceQuery
    notices: tuple[SettingsNotice, ...] = ()


def build_deployment(
    entry: ModelEntry, settings: Settings, book: PriceBook, environ: Mapping[str, str], *, now_nanos: int
) -> BuiltDeployment:
    """Build the deployment of one item of `model_list`; its price holds at `now_nanos` (since 1970).

    `environ` lends keys and addresses that the item leaves out: hand over an empty one for items that a
    tenant wrote. Raises ConfigError with the key path.
    """
    source = read_source(entry, settings.credentials, environ)
    query = _query(source)
    quote = book.quote(query, now_nanos)
    key = find_key(source)
    deployment = _with_limits(_deployment(source, key, settings), source, settings, quote)
    return BuiltDeployment(deployment=deployment, query=query, notices=_notices(source, key, deployment))


def _deployment(source: Source, key: Secret | None, settings: Settings) -> Deployment:
    params, provider = source.params, source.provider
    model, family = _model_and_family(source)
    does_drop = params.boolean("drop_params")
    rules = build_param_rules(
        find_unsupported(provider.prefix, family) - frozenset(params.names("allowed_openai_params")),
        frozenset(params.names("additional_drop_params")),
        does_drop=settings.litellm.drop_params if does_drop is None else does_drop,
    )
    base = find_base(source)
    try:
        urls = build_urls(provider, base, model, find_api_version(source))
    except ValueError as error:
        raise ConfigError(f"is {error}.", path=params.path_of("api_base")) from None
    defaults = build_defaults(source.members, params)
    return Deployment(
        id=build_id(source.entry),
        group=source.entry.model_name,
        provider=provider.prefix,
        model=model,
        urls=urls,
        headers=build_headers(source, key),
        api_base=base,
        defaults=defaults,
        response_defaults=build_response_defaults(defaults),
        dropped_params=rules.dropped,
        refused_params=rules.refused,
        mock_response=params.text("mock_response"),
        does_stream_usage=provider.does_stream_usage,
        on_disconnect=_on_disconnect(params),
        tags=params.names("tags"),
        guardrails=params.names("guardrails"),
        region=params.text("region_name"),
        access_groups=source.info.names("access_groups"),
        client_params=read_client_params(source, allows_all=settings.general.allow_client_side_credentials),
        model_info=source.entry.model_info,
    )


def _model_and_family(source: Source) -> tuple[str, str]:
    """The provider's name of the model, and the name that tells what it can take."""
    model = source.model
    base = source.info.text("base_model") or source.params.text("base_model")
    family = (base or model).rpartition("/")[2]
    if source.provider.prefix == "azure":
        for series, kind in _AZURE_SERIES.items():
            if model.startswith(series):
                return model.removeprefix(series), kind
    return model, family


def _with_limits(deployment: Deployment, source: Source, settings: Settings, quote: Quote) -> Deployment:
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
        budget_nanos=None if (budget := params.number("max_budget")) is None else nanos_from_usd(budget),
        budget_period=params.text("budget_duration") or "",
        cooldown_seconds=params.number("cooldown_time"),
        max_parallel_requests=params.integer("max_parallel_requests"),
        max_input_tokens=info.integer("max_input_tokens") or quote.max_input_tokens,
        max_output_tokens=(
            info.integer("max_output_tokens") or info.integer("max_tokens") or quote.max_output_tokens
        ),
    )


def _query(source: Source) -> PriceQuery:
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


def _on_disconnect(params: Params) -> OnDisconnect:
    stated = params.text("on_disconnect")
    if stated is None:
        return OnDisconnect.DRAIN
    try:
        return OnDisconnect(stated)
    except ValueError:
        allowed = [value.value for value in OnDisconnect]
        raise ConfigError("is not known.", path=params.path_of("on_disconnect"), allowed=allowed) from None


def _notices(source: Source, key: Secret | None, deployment: Deployment) -> tuple[SettingsNotice, ...]:
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
    found += (
        SettingsNotice(
            source.params.path_of("additional_drop_params"),
            f"'{name}' is a path, and only whole parameters can be dropped; it has no effect.",
        )
        for name in source.params.names("additional_drop_params")
        if not name.isidentifier()
    )
    for params, fields in ((source.params, source.members), (source.info, source.entry.model_info)):
        message = "is not measured by the gateway; the model is priced by its other prices, if it has any."
        found += (SettingsNotice(params.path_of(name), message) for name in list_unmeasured(fields))
    return tuple(found)
