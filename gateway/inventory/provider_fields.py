"""What each provider needs to be told of a model, from the table of providers."""

from gateway.catalog.addresses import AZURE_AI_API_VERSION, AZURE_API_VERSION
from gateway.catalog.providers import MOCK, PROVIDERS, PathStyle, Provider

__all__ = ["describe_providers"]

_VERSIONS = {PathStyle.AZURE: AZURE_API_VERSION, PathStyle.AZURE_AI: AZURE_AI_API_VERSION}


def describe_providers() -> list[dict[str, object]]:
    """Every provider with the parameters that its models have, those that it cannot do without first."""
    return [
        {"name": name, "fields": _fields(provider)}
        for name, provider in sorted(PROVIDERS.items())
        if name != MOCK
    ]


def _fields(provider: Provider) -> list[dict[str, object]]:
    fields = [
        _field(
            "api_key",
            "The key; without it the first variable that is set.",
            provider.key_variables,
            is_required=not provider.is_key_optional,
        ),
        _field(
            "api_base",
            "The address; without it the first variable that is set, else the usual one.",
            provider.base_variables,
            is_required=provider.base is None,
            usual=provider.base,
        ),
    ]
    version = _VERSIONS.get(provider.path_style)
    if version is not None:
        fields.append(_field("api_version", "The version of the provider's API.", (), usual=version))
    return sorted(fields, key=lambda field: not field["field_required"])


def _field(
    name: str,
    meaning: str,
    variables: tuple[str, ...],
    *,
    is_required: bool = False,
    usual: str | None = None,
) -> dict[str, object]:
    return {
        "field_name": name,
        "field_type": "string",
        "field_description": meaning,
        "field_value": usual,
        "field_required": is_required,
        "environment_variables": list(variables),
    }
