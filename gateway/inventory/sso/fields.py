"""The members of the settings of the identity provider: what they mean, and how they are shown."""

from collections.abc import Mapping

from gateway.inventory.masking import mask_text
from gateway.settings.stored_sso import STORED_VARIABLES, UNSUPPORTED

__all__ = ["describe_fields", "find_sources", "is_secret", "show_values"]

_DESCRIPTIONS: Mapping[str, str] = {
    "google_client_id": "The client at Google.",
    "google_client_secret": "The secret of the client at Google.",
    "microsoft_client_id": "The client at Microsoft.",
    "microsoft_client_secret": "The secret of the client at Microsoft.",
    "microsoft_tenant": "The one tenant whose people are let in.",
    "generic_client_id": "The client at any other provider.",
    "generic_client_secret": "The secret of the client at the other provider.",
    "generic_authorization_endpoint": "Where the other provider asks people who they are.",
    "generic_token_endpoint": "Where the other provider takes codes for tokens.",
    "generic_userinfo_endpoint": "Where the other provider says who logged in.",
    "generic_scope": "What the other provider is asked for.",
    "proxy_base_url": "Where browsers reach the gateway.",
    "user_email": "Whose address, verified by the provider, makes a proxy_admin.",
}


def is_secret(name: str) -> bool:
    """Whether a member is never shown."""
    return name.endswith("_client_secret")


def describe_fields() -> dict[str, object]:
    """Every member with its meaning; those without effect here say why."""
    texts = {**_DESCRIPTIONS, **{name: f"Not supported: {reason}" for name, reason in UNSUPPORTED.items()}}
    return {
        "description": "The identity provider at which people log in.",
        "properties": {name: {"description": text, "type": "string"} for name, text in texts.items()},
    }


def find_sources(stored: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, str | None]:
    """Where each member's value comes from: the database, the environment, or nowhere."""
    return {name: _source(name, stored, environ) for name in (*STORED_VARIABLES, *UNSUPPORTED)}


def show_values(stored: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    """Every member with its value, the database's or else the environment's; secrets masked."""
    values: dict[str, object] = {}
    for name in (*STORED_VARIABLES, *UNSUPPORTED):
        value = stored.get(name) or environ.get(STORED_VARIABLES.get(name, "")) or None
        values[name] = mask_text(value) if is_secret(name) and isinstance(value, str) else value
    return values


def _source(name: str, stored: Mapping[str, object], environ: Mapping[str, str]) -> str | None:
    if stored.get(name):
        return "database"
    return "environment" if environ.get(STORED_VARIABLES.get(name, "")) else None
