"""Sets up the guardrails of a configuration."""

from collections.abc import Iterable

from gateway.errors import ConfigError
from gateway.guardrails.choice import Installed
from gateway.guardrails.kinds import Kinds
from gateway.settings.faults import Faults
from gateway.settings.guardrails import GuardrailEntry

__all__ = ["build_guardrails"]


def build_guardrails(entries: Iterable[GuardrailEntry], kinds: Kinds | None = None) -> tuple[Installed, ...]:
    """Build every guardrail; raises ConfigError for all that cannot be built."""
    kinds = kinds or Kinds()
    faults = Faults()
    found: list[Installed] = []
    for entry in entries:
        with faults.collect():
            found.append(Installed(entry, kinds.build(entry)))
    faults.refuse()
    _refuse_mixed_defaults(found)
    return tuple(found)


def _refuse_mixed_defaults(installed: Iterable[Installed]) -> None:
    """Guardrails of one name take turns, so that all of them run for everybody or none does."""
    firsts: dict[str, GuardrailEntry] = {}
    for item in installed:
        first = firsts.setdefault(item.entry.name, item.entry)
        if first.is_default != item.entry.is_default:
            raise ConfigError(
                f"There are several guardrails '{item.entry.name}', and 'default_on' differs between them.",
                path=f"{item.entry.key_path}.litellm_params.default_on",
                file=item.entry.file or None,
                line=item.entry.line or None,
            )
