"""What the routes of all settings of the database have in common."""

from gateway.errors import BadRequest
from gateway.runtime import Gateway

__all__ = ["refuse_unread"]


def refuse_unread(gateway: Gateway) -> None:
    """Raise BadRequest where the gateway was told not to read settings from the database."""
    if not gateway.parts.added.is_enabled:
        message = "With store_model_in_db: false no settings are read from the database."
        raise BadRequest(message, type="bad_request_error")
