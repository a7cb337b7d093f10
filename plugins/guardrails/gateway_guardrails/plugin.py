"""The plugin: its settings, one member per guardrail, and the hook that runs those that are on."""

import msgspec

from gateway.hooks import RequestContext, hookimpl
from gateway_guardrails.secret_detection import SecretDetection, SecretDetectionSettings

__all__ = ["Guardrails", "Settings", "build"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `gatewright.plugins.settings.guardrails`; a guardrail without a section is off."""

    secret_detection: SecretDetectionSettings | None = None


class Guardrails:
    """The guardrails that are on, in the order of the settings' members."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError when no guardrail is on: a guard that guards nothing is a mistake."""
        if settings.secret_detection is None:
            raise ValueError("no guardrail is on; add a section, for example 'secret_detection: {}'.")
        self._secret_detection = SecretDetection(settings.secret_detection)

    @hookimpl
    def guard_request(self, context: RequestContext) -> None:
        """Inspect and rewrite a request; raises GuardrailBlocked."""
        self._secret_detection.guard(context)


def build(settings: Settings) -> Guardrails:
    """The plugin for its settings; raises ValueError when they switch nothing on."""
    return Guardrails(settings)
