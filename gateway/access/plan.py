"""Which checks can refuse one caller: found once, so that a request does not ask about the others."""

from collections.abc import Callable, Iterator, Mapping
from typing import cast
from weakref import ref

from gateway.access.fallbacks import build_fallback_check
from gateway.access.members import (
    build_cache_check,
    build_required_check,
    check_client_tags,
    check_guardrails_kept,
    check_trace_id,
    check_user_named,
)
from gateway.access.models import ModelLists
from gateway.access.roles import admin_route_refusal, build_role_check
from gateway.access.routes import RouteLists
from gateway.access.subject_checks import unreadable
from gateway.access.tools import build_tool_check, build_vector_store_check
from gateway.clock import Clock
from gateway.domain import Principal, ScopeKind
from gateway.hooks import RequestContext
from gateway.identity.standing import check_standing
from gateway.settings import AccessSettings

__all__ = ["Check", "Plan", "PlanBuilder"]

Check = Callable[[RequestContext], None]
_MOST_MODELS = 1_000


class Plan:
    """The checks of one caller before and after those of its models, and the models that were allowed."""

    __slots__ = ("after", "allowed", "before", "caller")

    def __init__(self, caller: "ref[Principal]", before: Iterator[Check], after: Iterator[Check]) -> None:
        self.caller = caller
        self.before = tuple(before)
        self.after = tuple(after)
        self.allowed: set[tuple[str, str]] = set()

    def remember(self, model: str, routed_model: str) -> None:
        """Note that the caller may use a model; the lists of a caller and the catalog's never change."""
        if len(self.allowed) >= _MOST_MODELS:
            self.allowed.clear()
        self.allowed.add((model, routed_model))


class PlanBuilder:
    """Builds plans under one configuration."""

    def __init__(self, clock: Clock, lists: ModelLists, settings: AccessSettings) -> None:
        self._clock = clock
        self._lists = lists
        self._settings = settings
        self._routes = RouteLists()

    def build(self, principal: Principal, forget: Callable[["ref[Principal]"], None]) -> Plan:
        """The plan of one caller, in the contract's order; `forget` is called when the caller is gone."""
        return Plan(ref(principal, forget), self._before(principal), self._after(principal))

    def _before(self, principal: Principal) -> Iterator[Check]:
        clock = self._clock
        can_fall = principal.expires_nanos is not None or principal.is_blocked or principal.is_deactivated
        if can_fall or principal.blocked_owner is not None:
            yield lambda context: check_standing(context.principal, clock)
        if principal.unreadable:
            yield _refuse_unreadable

    def _after(self, principal: Principal) -> Iterator[Check]:
        settings = self._settings
        if settings.enforce_fallback_model_access:
            yield build_fallback_check(self._lists)
        if settings.require_trace_id or (principal.agent_rules and principal.agent_rules.requires_trace_id):
            yield check_trace_id
        if settings.reject_clientside_metadata_tags:
            yield check_client_tags
        if settings.enforce_user_param:
            yield check_user_named
        if required := _required(principal, settings):
            yield build_required_check(required)
        if _keeps_guardrails(principal):
            yield check_guardrails_kept
        yield from self._route_checks(principal)
        yield from _object_checks(principal)
        if principal.cache_controls:
            yield build_cache_check(principal.cache_controls)

    def _route_checks(self, principal: Principal) -> Iterator[Check]:
        lists, allowed, closed = self._routes, principal.allowed_routes, self._settings.admin_only_routes
        if closed and not principal.is_admin:
            yield admin_route_refusal(closed)
        for entry in self._settings.role_permissions:
            if principal.role is not None and entry.role == principal.role.value:
                yield build_role_check(entry, lists, self._lists)
        if allowed:
            yield lambda context: lists.check(allowed, context.head.path)


def _refuse_unreadable(context: RequestContext) -> None:
    owner, setting = context.principal.unreadable[0]
    # The id of a key is its hash, which nobody knows it by.
    name = context.principal.key_name if owner.kind is ScopeKind.KEY else owner.id
    raise unreadable(setting, owner.kind, name)


def _required(principal: Principal, settings: AccessSettings) -> tuple[str, ...]:
    """The members that a caller's requests must have, each once."""
    found = dict.fromkeys(settings.enforced_params)
    found |= dict.fromkeys(_texts(principal.metadata.get("enforced_params")))
    if principal.metadata.get("service_account_id"):
        found |= dict.fromkeys(settings.service_account_params)
    return tuple(found)


def _keeps_guardrails(principal: Principal) -> bool:
    rules = principal.team_metadata.get("guardrails")
    if not isinstance(rules, dict):
        return False
    return (
        cast("Mapping[str, object]", rules).get("modify_guardrails") is False
    )  # JSON objects have text keys


def _object_checks(principal: Principal) -> Iterator[Check]:
    """Tools by name and vector stores; the key's own list of tools stands in the place of its team's."""
    allowed = _texts(principal.metadata.get("allowed_tools")) or _texts(
        principal.team_metadata.get("allowed_tools")
    )
    blocked = frozenset(name for one in principal.permissions for name in one.blocked_tools)
    if allowed or blocked:
        yield build_tool_check(frozenset(allowed), blocked)
    if any(one.vector_stores or not one.is_readable for one in principal.permissions):
        yield build_vector_store_check(principal.permissions)


def _texts(value: object) -> tuple[str, ...]:
    # What is no list of texts has been noted as unreadable when the caller was built.
    return tuple(cast("list[str]", value)) if isinstance(value, list) else ()
