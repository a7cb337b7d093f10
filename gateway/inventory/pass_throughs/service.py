"""The rules of making, changing, showing and deleting pass-throughs of the database."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from gateway.audit.masking import MASK, mask
from gateway.catalog.pass_throughs import PassThroughs, build_pass_throughs, open_stored, read_stored
from gateway.db.sealing import Seal
from gateway.domain import PassThrough, Principal
from gateway.errors import BadRequest, ConfigError, Conflict, NotFound
from gateway.ids import new_id
from gateway.inventory.config.fields import GENERAL
from gateway.inventory.config.service import ConfigService
from gateway.money import NANOS_PER_USD
from gateway.settings.pass_through import PASS_THROUGHS

__all__ = ["PassThroughService"]

_Members = dict[str, Any]
_Change = Callable[[list[_Members]], list[_Members]]


class PassThroughService:
    """Pass-throughs on behalf of proxy admins, as LiteLLM keeps them: a member of `general_settings`.

    Every change is one transaction that announces itself. The values of headers are encrypted in the
    database, and masked in what is returned. All methods raise DatabaseUnavailable. `served` are those that
    this worker serves; the configuration's among them cannot be changed here. `environ` has the variables
    that headers may refer to.
    """

    def __init__(self, config: ConfigService, seal: Seal) -> None:
        self._config = config
        self._seal = seal

    async def list(self, served: PassThroughs) -> list[_Members]:
        """Every pass-through, those too that cannot be served."""
        stored = (await self._config.stored(GENERAL)).get(PASS_THROUGHS)
        configured = [_describe(one) for one in served.served if one.is_from_config]
        return [*configured, *(_shown(item) for item in open_stored(stored, self._seal))]

    async def create(
        self, caller: Principal, sent: Mapping[str, Any], served: PassThroughs, environ: Mapping[str, str]
    ) -> _Members:
        """Store a pass-through. Raises BadRequest for a wrong one, Conflict for an id that is taken."""
        made = {**sent, "id": sent.get("id") or new_id(), "is_from_config": False}

        def add(items: list[_Members]) -> list[_Members]:
            taken = {str(item.get("id")) for item in items} | {one.id for one in served.served}
            if made["id"] in taken:
                raise Conflict(f"There is a pass-through '{made['id'][:100]}' already.", param="id")
            self._check(made, items, served, environ)
            return [*items, made]

        await self._edit(caller, add)
        return _shown(made)

    async def update(
        self,
        caller: Principal,
        identifier: str,
        sent: Mapping[str, Any],
        served: PassThroughs,
        environ: Mapping[str, str],
    ) -> _Members:
        """Change what was sent of a pass-through. Raises as `create`, and NotFound."""
        changed: _Members = {}

        def replace(items: list[_Members]) -> list[_Members]:
            place = _find(items, identifier, served)
            changed.update(_merged(items[place], sent), id=identifier, is_from_config=False)
            others = [*items[:place], *items[place + 1 :]]
            self._check(changed, others, served, environ)
            return [*items[:place], changed, *items[place + 1 :]]

        await self._edit(caller, replace)
        return _shown(changed)

    async def delete(self, caller: Principal, identifier: str, served: PassThroughs) -> _Members:
        """Remove a pass-through. Raises NotFound, and BadRequest for one of the configuration."""
        gone: _Members = {}

        def remove(items: list[_Members]) -> list[_Members]:
            place = _find(items, identifier, served)
            gone.update(items[place])
            return [*items[:place], *items[place + 1 :]]

        await self._edit(caller, remove)
        return _shown(gone)

    async def _edit(self, caller: Principal, change: _Change) -> None:
        def edit(section: Mapping[str, Any]) -> Mapping[str, Any]:
            items = change(open_stored(section.get(PASS_THROUGHS), self._seal))
            return {PASS_THROUGHS: [self._closed(item) for item in items]}

        await self._config.edit_noted(caller, GENERAL, edit)

    def _closed(self, item: _Members) -> _Members:
        headers = cast("_Members", item.get("headers") or {})
        closed = {name: self._seal.close(value) for name, value in headers.items() if isinstance(value, str)}
        return {**item, "headers": closed}

    def _check(
        self,
        new: _Members,
        others: Sequence[_Members],
        served: PassThroughs,
        environ: Mapping[str, str],
    ) -> None:
        """Raise BadRequest for one that could not be served beside the others."""
        declared = [one for one in served.served if one.is_from_config]
        try:
            one = read_stored(new, environ)
            beside = [self._closed(item) for item in others]
            known = build_pass_throughs(declared, beside, served.own, self._seal, environ)
            twin = known.find_twin(one)
            if twin is None:
                known.check(one)
        except ConfigError as error:
            raise BadRequest(error.message, param=error.path, type="bad_request_error") from error
        if twin is not None:
            message = (
                f"The pass-through '{twin.id[:100]}' takes {one.path} already, with a method of this one."
            )
            raise Conflict(message, param="path")


def _find(items: Sequence[_Members], identifier: str, served: PassThroughs) -> int:
    for place, item in enumerate(items):
        if item.get("id") == identifier:
            return place
    known = served.find_by_id(identifier)
    if known is not None and known.is_from_config:
        message = f"The pass-through '{identifier[:100]}' is one of the configuration file; change it there."
        raise BadRequest(message, param="endpoint_id", type="bad_request_error")
    raise NotFound(f"There is no pass-through '{identifier[:100]}'.", param="endpoint_id")


def _merged(stored: _Members, sent: Mapping[str, Any]) -> _Members:
    """What is stored with what was sent over it; what is sent as it is shown, masked, stays as it is.

    Raises BadRequest where a secret would go to another target than it was stored for.
    """
    shown = _shown(stored)
    merged = {**stored, **sent}
    if merged["target"] == shown["target"]:
        merged["target"] = stored["target"]
    for place in ("headers", "default_query_params"):
        known, masked = cast("_Members", stored.get(place) or {}), cast("_Members", shown.get(place) or {})
        secret = {name for name, value in known.items() if masked[name] != value}
        given = cast("_Members", merged.get(place) or {})
        kept = {name for name in secret if name in given and given[name] in (masked[name], known[name])}
        if kept and merged["target"] != stored["target"] and (place not in sent or _has_mask(given, kept)):
            name = min(kept)
            message = f"{place}.{name}: Send it again, for 'target' is another one than it was stored for."
            raise BadRequest(message, param=f"{place}.{name}", type="bad_request_error")
        merged[place] = {name: known[name] if name in kept else value for name, value in given.items()}
    return merged


def _has_mask(given: _Members, names: Iterable[str]) -> bool:
    return any(MASK in str(given[name]) for name in names)


def _shown(item: _Members) -> _Members:
    """One of the database, with its headers masked."""
    headers = cast("_Members", item.get("headers") or {})
    return {**mask(item), "headers": dict.fromkeys(headers, MASK), "is_from_config": False}


def _describe(one: PassThrough) -> _Members:
    """One of the configuration, in the contract's words."""
    return {
        "id": one.id,
        "path": one.path,
        "target": mask(one.target),
        "headers": dict.fromkeys(one.headers, MASK),
        "default_query_params": mask(one.query),
        "include_subpath": one.includes_subpath,
        "cost_per_request": one.cost_nanos / NANOS_PER_USD,
        "timeout": one.timeout_seconds,
        "auth": one.asks_for_key,
        "guardrails": list(one.guardrails) or None,
        "is_from_config": one.is_from_config,
        "methods": list(one.methods),
    }
