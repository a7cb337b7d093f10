"""Sets up the guardrails of a configuration."""

from collections.abc import Iterable, Sequence

import structlog

from gateway.catalog.added import AddedGuardrail
from gateway.errors import ConfigError
from gateway.guardrails.choice import Installed
from gateway.guardrails.kinds import Kinds
from gateway.sdk import Content, Guardrail, GuardrailCall
from gateway.settings.faults import Faults
from gateway.settings.guardrails import GuardrailEntry

__all__ = ["add_guardrails", "build_guardrails"]


class _Faulty(Guardrail):
    """Stands for a guardrail of the database that cannot be set up: what it should inspect is refused."""

    def __init__(self, fault: str) -> None:
        self._fault = fault

    def inspect(self, content: Content, call: GuardrailCall) -> None:  # noqa: ARG002  whatever it is
        raise RuntimeError(self._fault)


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


def add_guardrails(
    configured: Sequence[Installed],
    added: Iterable[AddedGuardrail],
    former: Iterable[Installed] = (),
    kinds: Kinds | None = None,
) -> tuple[Installed, ...]:
    """The configuration's guardrails and those of the database; one whose row is as in `former` is kept.

    A name of the configuration is not given to another. One that cannot be built is logged, and refuses.
    """
    kinds, taken = kinds or Kinds(), {item.entry.name for item in configured}
    known = {item.row: item for item in former if item.row is not None}
    log = structlog.get_logger(__name__)
    found: list[Installed] = []
    for one in added:
        if one.entry.name in taken:
            log.warning("guardrail_shadowed", guardrail=one.entry.name, reason="the configuration has one")
            continue
        if one.row in known and known[one.row].entry == one.entry:
            found.append(known[one.row])
            continue
        guardrail, fault = _try(one, kinds)
        if fault:
            log.error("guardrail_refuses_all", guardrail=one.entry.name, reason=fault)
        found.append(Installed(one.entry, guardrail, one.row))
    return (*configured, *found)


def _try(added: AddedGuardrail, kinds: Kinds) -> tuple[Guardrail, str]:
    if added.fault:
        return _Faulty(added.fault), added.fault
    try:
        return kinds.build(added.entry), ""
    except ConfigError as error:
        return _Faulty(str(error)), str(error)


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
