"""Which guardrails a request has: those of everybody, of its key and team, and those that it names itself."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import msgspec

from gateway.catalog.added import GuardrailRow
from gateway.errors import BadRequest, PermissionDenied, ServiceUnavailable
from gateway.guardrails.policies.allotment import NOTHING_ALLOTTED, allot
from gateway.guardrails.policies.book import EMPTY_BOOK, PolicyBook
from gateway.hooks import RequestContext
from gateway.sdk import Guardrail
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode, Modes
from gateway.settings.policies import Pipeline, Step

__all__ = ["Choice", "Chosen", "ChosenPipeline", "Installed", "Selection"]

_SWITCHES = ("disable_global_guardrails", "disable_global_guardrail")
_MEMBERS = frozenset({"guardrails", "policies", "metadata", "litellm_metadata", *_SWITCHES})
_CONTAINERS = ("metadata", "litellm_metadata")
_MOST_NAMED = 50
_NOTHING: Mapping[str, object] = {}


class Installed(msgspec.Struct, frozen=True, eq=False):
    """A guardrail that is set up, and how; `row` is where it stands in the database."""

    entry: GuardrailEntry
    guardrail: Guardrail
    row: GuardrailRow | None = None


class Chosen(msgspec.Struct, frozen=True, eq=False):
    """A guardrail of one request: when it runs, and what the request says to it."""

    installed: Installed
    modes: Modes
    options: Mapping[str, object]


class ChosenPipeline(msgspec.Struct, frozen=True):
    """A pipeline of one request: when it runs, and its steps, each with the guardrail that is asked."""

    mode: GuardrailMode
    steps: Sequence[tuple[Step, Chosen]]


class Selection(msgspec.Struct, frozen=True):
    """What watches over one request; `origins` are policies' ids by the guardrails that they brought."""

    chosen: Sequence[Chosen] = ()
    pipelines: Sequence[ChosenPipeline] = ()
    origins: Mapping[str, str] = {}


class Choice:
    """Finds the guardrails of a request; of several with one name, the next one in turn."""

    def __init__(self, installed: Sequence[Installed], book: PolicyBook = EMPTY_BOOK) -> None:
        self._book = book
        self._by_name: dict[str, list[Installed]] = {}
        for item in installed:
            self._by_name.setdefault(item.entry.name, []).append(item)
        self._turns = {name: itertools.cycle(items) for name, items in self._by_name.items()}
        self._defaults = [name for name, items in self._by_name.items() if items[0].entry.is_default]
        self._concerns_all = bool(self._defaults or book)

    def find(self, context: RequestContext) -> Selection | None:
        """The guardrails of a request in the order in which they run, or None; its policies are noted in it.

        Raises BadRequest for a name that the request made up, ServiceUnavailable for one of its key or team
        that is not set up, and PermissionDenied where it switches off what it may not.
        """
        principal = context.principal
        says_nothing = _MEMBERS.isdisjoint(context.body.members)
        is_owned = principal.guardrails or principal.policies or context.guardrails
        if says_nothing and not is_owned and not self._concerns_all:
            return None
        asked = {} if says_nothing else _read_names(context)
        named = self._owned(context)
        if not says_nothing and _switches_off(context):
            named = [name for name in named if name not in self._defaults]
        for name in asked:
            if name not in self._by_name:
                raise BadRequest(
                    f"There is no guardrail '{name[:100]}'. GET /guardrails/list names those there are.",
                    param="guardrails",
                )
        is_watched = self._book or principal.policies or not says_nothing
        allotted = allot(self._book, context, self._by_name) if is_watched else NOTHING_ALLOTTED
        names = dict.fromkeys((*named, *allotted.names, *asked))
        found = [
            self._take(name, context, asked.get(name, _NOTHING))
            for name in names
            if name not in context.guarded_by
        ]
        if not found and not allotted.pipelines:
            return None
        return Selection(
            sorted(found, key=lambda item: item.installed.entry.order),
            [self._fill(pipeline, context, asked) for pipeline in allotted.pipelines],
            allotted.origins,
        )

    def _fill(
        self, pipeline: Pipeline, context: RequestContext, asked: Mapping[str, Mapping[str, object]]
    ) -> ChosenPipeline:
        """The pipeline with its guardrails, which run when it does, and fail where it says what follows."""
        modes = frozenset({pipeline.mode})
        steps: list[tuple[Step, Chosen]] = []
        for step in pipeline.steps:
            one = self._take(step.guardrail, context, asked.get(step.guardrail, _NOTHING))
            entry = one.installed.entry
            is_lenient = entry.is_lenient and step.on_error is None
            entry = msgspec.structs.replace(entry, is_lenient=is_lenient)
            installed = msgspec.structs.replace(one.installed, entry=entry)
            steps.append((step, msgspec.structs.replace(one, installed=installed, modes=modes)))
        return ChosenPipeline(pipeline.mode, steps)

    def _owned(self, context: RequestContext) -> list[str]:
        """The names of the operator, of what is called, and of the caller's key, user, team and so on."""
        owners = context.principal.team_metadata, context.principal.metadata
        names = [*context.guardrails, *context.principal.guardrails]
        for name in names:
            if name not in self._by_name:
                raise ServiceUnavailable(
                    f"The guardrail '{name[:100]}', which this call has, is not set up. Ask the "
                    "operator of the gateway to add it, or an administrator to take it off.",
                    type="guardrail_failed",
                )
        if any(owner.get("disable_global_guardrails") is True for owner in owners):
            return names
        out = {name for owner in owners for name in _texts(owner.get("opted_out_global_guardrails"))}
        return [*(name for name in self._defaults if name not in out), *names]

    def _take(self, name: str, context: RequestContext, options: Mapping[str, object]) -> Chosen:
        installed = next(self._turns[name])
        entry = installed.entry
        tagged = [modes for tag, modes in entry.tag_modes.items() if tag in context.tags]
        return Chosen(installed, Modes().union(*tagged) if tagged else entry.modes, options)


def _switches_off(context: RequestContext) -> bool:
    """Whether the request does without the guardrails of everybody. Raises PermissionDenied if it may not."""
    for place, members in _containers(context):
        for switch in _SWITCHES:
            if members.get(switch) is True:
                _check_right(context, f"{place}{switch}")
                return True
    return False


def _check_right(context: RequestContext, param: str) -> None:
    rules = context.principal.team_metadata.get("guardrails")
    may = isinstance(rules, dict) and cast("dict[str, object]", rules).get("modify_guardrails") is True
    if not may and not context.principal.is_admin:
        raise PermissionDenied(
            f"Your key does not have permission to switch guardrails off. Leave '{param}' out.", param=param
        )


def _read_names(context: RequestContext) -> dict[str, Mapping[str, object]]:
    """The names in a request, each with its options."""
    found: dict[str, Mapping[str, object]] = {}
    for place, members in _containers(context):
        value = members.get("guardrails")
        if value is None:
            continue
        if not isinstance(value, list):
            raise BadRequest(f"'{place}guardrails' must be a list of names.", param=f"{place}guardrails")
        for item in cast("list[object]", value):  # of JSON values
            found.update(_read_name(item, f"{place}guardrails"))
    if len(found) > _MOST_NAMED:
        raise BadRequest(f"'guardrails' names more than {_MOST_NAMED}.", param="guardrails")
    return found


def _read_name(item: object, param: str) -> dict[str, Mapping[str, object]]:
    """A name, or `{name: {"extra_body": {...}}}`."""
    if isinstance(item, str):
        return {item: _NOTHING}
    if isinstance(item, dict):
        members = cast("dict[str, object]", item)  # JSON objects have text keys
        if all(isinstance(value, dict) for value in members.values()):
            options = cast("dict[str, dict[str, object]]", members)  # checked above
            return {name: _mapping(said.get("extra_body")) for name, said in options.items()}
    raise BadRequest(f"'{param}' must hold names, or objects of a name and its options.", param=param)


def _containers(context: RequestContext) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Where a request may speak of guardrails: the body itself, and its metadata."""
    body = context.body
    yield "", {name: body.read(name) for name in ("guardrails", *_SWITCHES) if name in body.members}
    for container in _CONTAINERS:
        if container in body.members:
            yield f"{container}.", _mapping(body.read(container))


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else _NOTHING  # JSON: text keys


def _texts(value: object) -> Iterable[str]:
    items = cast("list[object]", value) if isinstance(value, list) else []  # of JSON values
    return (item for item in items if isinstance(item, str))
