"""Which models are tried in the place of one that failed."""

from gateway.errors import ContentPolicyViolation, ContextWindowExceeded, GatewayError
from gateway.settings.model import RouterSettings

__all__ = ["list_fallbacks"]

_EVERY_MODEL = "*"


def list_fallbacks(
    model: str, error: GatewayError, settings: RouterSettings, asked: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Return the names to try after `model` failed with `error`, in order.

    The caller's own list takes the place of all others. A prompt that is too long and refused content have
    lists of their own, which come first; then the model's, else that of `*`, else the default one.
    """
    if asked is not None:
        return asked
    general = (
        settings.fallbacks.get(model) or settings.fallbacks.get(_EVERY_MODEL) or settings.default_fallbacks
    )
    if isinstance(error, ContextWindowExceeded):
        return (*_special(model, settings.context_window_fallbacks), *general)
    if isinstance(error, ContentPolicyViolation):
        return (*_special(model, settings.content_policy_fallbacks), *general)
    return general


def _special(model: str, fallbacks: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return fallbacks.get(model) or fallbacks.get(_EVERY_MODEL) or ()
