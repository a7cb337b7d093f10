"""The names of models in a list: which of them a caller sees, and in which shape."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from gateway.access.model_access import is_model_allowed
from gateway.access.reach import find_group
from gateway.domain import Principal
from gateway.errors import BadRequest
from gateway.runtime import Snapshot
from gateway.settings import FallbackMap, RouterSettings

__all__ = ["CREATED", "ListQuery", "anthropic_list", "describe", "list_groups", "list_names", "may_name"]

CREATED = 1677610602
"""The contract gives every model this time of creation, in seconds since 1970."""
_GENERAL = "general"


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What of the models a list holds; `fallback_type` names the fallbacks of `has_metadata`."""

    has_wildcards: bool = False
    has_metadata: bool = False
    is_healthy_only: bool = False
    fallback_type: str | None = None


def list_names(snapshot: Snapshot, callers: Iterable[Principal], query: ListQuery) -> list[str]:
    """The names that one of the callers may use; wildcards, as they are configured, only on request."""
    catalog = snapshot.catalog
    granted: dict[str, None] = {}
    for caller in callers:
        names = (
            *catalog.names(),
            *(catalog.team_models.public_names(caller.team_id) if caller.team_id else ()),
            *(catalog.wildcard_names() if query.has_wildcards else ()),
        )
        granted |= dict.fromkeys(name for name in names if _is_listed(snapshot, caller, name, query))
    return list(granted)


def may_name(snapshot: Snapshot, callers: Iterable[Principal], name: str, *, is_healthy_only: bool) -> bool:
    """Whether one of the callers may use a name that leads somewhere."""
    return any(
        find_group(snapshot.catalog, _routed(snapshot, caller, name), caller) is not None
        and _is_listed(snapshot, caller, name, ListQuery(is_healthy_only=is_healthy_only))
        for caller in callers
    )


def _is_listed(snapshot: Snapshot, caller: Principal, name: str, query: ListQuery) -> bool:
    routed = snapshot.catalog.aliases.get(name, name)
    is_allowed = is_model_allowed(snapshot.model_lists, caller, name, routed)
    return is_allowed and (not query.is_healthy_only or _is_healthy(snapshot, caller, name))


def _is_healthy(snapshot: Snapshot, caller: Principal, name: str) -> bool:
    """Whether a deployment of the name is not being left alone after failures; so is a wildcard."""
    if "*" in name:
        return True
    group = find_group(snapshot.catalog, _routed(snapshot, caller, name), caller)
    cooldowns = snapshot.router.cooldowns
    return group is not None and not all(cooldowns.is_cooling(one.id) for one in group.deployments)


def _routed(snapshot: Snapshot, caller: Principal, name: str) -> str:
    return snapshot.catalog.team_models.names.get((caller.team_id or "", name), name)


def list_groups(snapshot: Snapshot, callers: Iterable[Principal], names: Iterable[str]) -> list[str]:
    """The access groups of models (`model_info.access_groups`) that one of the callers may use as a whole.

    A list of models that names the group has it, and so has who may use every model.
    """
    found: dict[str, None] = {}
    for name in names:
        group = snapshot.catalog.find(name) if "*" not in name else None
        for deployment in group.deployments if group is not None else ():
            found |= dict.fromkeys(deployment.access_groups)
    lists = [[grant.models for grant in caller.grants if grant.models] for caller in callers]
    return sorted(group for group in found if any(all(group in models for models in one) for one in lists))


def describe(name: str, settings: RouterSettings, query: ListQuery) -> dict[str, object]:
    """One entry in OpenAI's shape. Raises BadRequest for a kind of fallbacks that does not exist."""
    entry: dict[str, object] = {"id": name, "object": "model", "created": CREATED, "owned_by": "openai"}
    if query.has_metadata or query.fallback_type is not None:
        fallbacks = _fallbacks(settings, query.fallback_type or _GENERAL)
        entry["metadata"] = {"fallbacks": list(fallbacks.get(name, ()))}
    return entry


def _fallbacks(settings: RouterSettings, kind: str) -> FallbackMap:
    kinds = {
        _GENERAL: settings.fallbacks,
        "context_window": settings.context_window_fallbacks,
        "content_policy": settings.content_policy_fallbacks,
    }
    if kind not in kinds:
        message = f"'{kind[:100]}' is no kind of fallbacks. Allowed: {', '.join(kinds)}."
        raise BadRequest(message, param="fallback_type")
    return kinds[kind]


def anthropic_list(names: list[str]) -> dict[str, object]:
    """The list in Anthropic's shape."""
    created_at = datetime.fromtimestamp(CREATED, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entries = [
        {"type": "model", "id": name, "display_name": name, "created_at": created_at} for name in names
    ]
    return {
        "data": entries,
        "has_more": False,
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }
