"""What the routes of all settings of the database have in common."""

from gateway.errors import BadRequest
from gateway.runtime import Gateway

__all__ = ["configured_names", "refuse_unread"]


def refuse_unread(gateway: Gateway) -> None:
    """Raise BadRequest where the gateway was told not to read settings from the database."""
    if not gateway.parts.added.is_enabled:
        message = "With store_model_in_db: false no settings are read from the database."
        raise BadRequest(message, type="bad_request_error")


def configured_names(gateway: Gateway) -> frozenset[str]:
    """The names of the configuration's guardrails, which those of the database may not have."""
    return frozenset(entry.name for entry in gateway.snapshot.settings.guardrails)
