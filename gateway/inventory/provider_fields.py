"""What each provider needs to be told of a model, from the table of providers."""

from gateway.catalog.addresses import AZURE_AI_API_VERSION, AZURE_API_VERSION
from gateway.catalog.providers import MOCK, PROVIDERS, PathStyle, Provider
from gateway.domain import MODEL_ENDPOINTS

__all__ = ["describe_endpoints", "describe_forms", "describe_providers", "list_providers"]

_VERSIONS = {PathStyle.AZURE: AZURE_API_VERSION, PathStyle.AZURE_AI: AZURE_AI_API_VERSION}


def list_providers() -> list[str]:
    """The prefixes of all providers, in their order."""
    return sorted(PROVIDERS.keys() - {MOCK})


def describe_providers() -> list[dict[str, object]]:
    """Every provider with the parameters that its models have, those that it cannot do without first."""
    return [{"name": name, "fields": _fields(PROVIDERS[name])} for name in list_providers()]


def describe_forms() -> list[dict[str, object]]:
    """Every provider with what a form asks for that adds a model of it."""
    return [
        {
            "provider": name,
            "provider_display_name": name,
            "litellm_provider": name,
            "credential_fields": [_form_field(field) for field in _fields(PROVIDERS[name])],
            "default_model_placeholder": f"{name}/<model>",
        }
        for name in list_providers()
    ]


def describe_endpoints() -> list[dict[str, object]]:
    """Every endpoint of models with the providers that have it: all of them speak one dialect."""
    providers = [{"slug": name, "display_name": name} for name in list_providers()]
    return [
        {
            "key": endpoint.value.replace("/", "_"),
            "label": f"/{endpoint.value}",
            "endpoint": f"/v1/{endpoint.value}",
            "providers": providers,
        }
        for endpoint in MODEL_ENDPOINTS
    ]


def _form_field(field: dict[str, object]) -> dict[str, object]:
    """A parameter as a form has it; what is typed into a field for a key is not shown."""
    is_secret = field["field_name"] == "api_key"
    return {
        "key": field["field_name"],
        "label": str(field["field_name"]).replace("_", " ").capitalize(),
        "placeholder": field["field_value"],
        "tooltip": field["field_description"],
        "required": field["field_required"],
        "field_type": "password" if is_secret else "text",
        "options": None,
        "default_value": None if is_secret else field["field_value"],
    }


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
