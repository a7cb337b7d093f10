"""Which checks can refuse one caller: found once, so that a request does not ask about the others."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, cast
from weakref import ref

from gateway.access.agents import check_named_agent, restricts_agents
from gateway.access.body_rules import (
    build_cache_check,
    build_required_check,
    check_client_tags,
    check_guardrails_kept,
    check_trace_id,
    check_user_named,
)
from gateway.access.fallbacks import build_fallback_check
from gateway.access.models import ModelLists
from gateway.access.roles import admin_route_refusal, build_role_check
from gateway.access.routes import RouteLists
from gateway.access.subject_checks import unreadable
from gateway.access.tool_policies import NO_TOOL_POLICIES, ToolPolicies, build_policy_check
from gateway.access.tools import build_tool_check, build_vector_store_check
from gateway.clock import Clock
from gateway.domain import Principal, ScopeKind
from gateway.hooks import RequestContext
from gateway.identity.standing import check_active, check_expiry, check_not_blocked, check_owner
from gateway.settings import AccessSettings

__all__ = ["Check", "Plan", "PlanBuilder", "Rule"]

Check = Callable[[RequestContext], None]
_MOST_MODELS = 1_000


class Rule(NamedTuple):
    """One rule by its name, and its check; None where it cannot refuse the caller.

    `is_for_all` says that every caller is held to it, those too whom it cannot refuse as they are.
    """

    name: str
    check: Check | None
    is_for_all: bool = False


class Plan:
    """The checks of one caller before and after those of its models, and the models that were allowed."""

    __slots__ = ("after", "allowed", "before", "caller")

    def __init__(self, caller: "ref[Principal]", before: Iterable[Rule], after: Iterable[Rule]) -> None:
        self.caller = caller
        self.before = tuple(rule.check for rule in before if rule.check is not None)
        self.after = tuple(rule.check for rule in after if rule.check is not None)
        self.allowed: set[tuple[str, str]] = set()

    def remember(self, model: str, routed_model: str) -> None:
        """Note that the caller may use a model; the lists of a caller and the catalog's never change."""
        if len(self.allowed) >= _MOST_MODELS:
            self.allowed.clear()
        self.allowed.add((model, routed_model))


class PlanBuilder:
    """Builds plans under one configuration; every rule is listed, those too that cannot refuse a caller."""

    def __init__(
        self,
        clock: Clock,
        lists: ModelLists,
        settings: AccessSettings,
        tools: ToolPolicies = NO_TOOL_POLICIES,
    ) -> None:
        self._clock = clock
        self._tool_policies = build_policy_check(tools)
        self._lists = lists
        self._settings = settings
        self._routes = RouteLists()

    def build(self, principal: Principal, forget: Callable[["ref[Principal]"], None]) -> Plan:
        """The plan of one caller, in the contract's order; `forget` is called when the caller is gone."""
        before = (*self.list_standing(principal), self.find_unreadable(principal))
        return Plan(ref(principal, forget), before, self.list_after(principal))

    def list_standing(self, principal: Principal) -> Iterator[Rule]:
        """The rules on the credential itself, which are asked for every route."""
        # The checks keep no caller alive: they get it with the request.
        clock, is_owner_blocked = self._clock, principal.blocked_owner is not None
        yield _fact(
            "key_blocked", lambda asked: check_not_blocked(asked.principal), refuses=principal.is_blocked
        )
        yield _rule(
            "key_expired",
            lambda asked: check_expiry(asked.principal, clock),
            applies=principal.expires_nanos is not None,
        )
        yield _fact(
            "user_deactivated", lambda asked: check_active(asked.principal), refuses=principal.is_deactivated
        )
        yield _fact("owner_blocked", lambda asked: check_owner(asked.principal), refuses=is_owner_blocked)

    def find_unreadable(self, principal: Principal) -> Rule:
        """The rule on settings of the caller's owners that nobody can read."""
        return _fact("stored_settings", _refuse_unreadable, refuses=bool(principal.unreadable))

    def list_after(self, principal: Principal) -> Iterator[Rule]:
        """The rules that come after those on models."""
        settings = self._settings
        fallbacks = build_fallback_check(self._lists) if settings.enforce_fallback_model_access else None
        yield Rule("fallback_models", fallbacks)
        rules = principal.agent_rules
        needs_trace = settings.require_trace_id or (rules is not None and rules.requires_trace_id)
        yield _rule("trace_id", check_trace_id, applies=needs_trace)
        yield _rule("client_tags", check_client_tags, applies=settings.reject_clientside_metadata_tags)
        yield _rule("end_user_named", check_user_named, applies=settings.enforce_user_param)
        required = _required(principal, settings)
        yield Rule("required_members", build_required_check(required) if required else None)
        yield _rule("guardrails_kept", check_guardrails_kept, applies=_keeps_guardrails(principal))
        yield from self._list_routes(principal)
        yield from _list_objects(principal)
        yield Rule("tool_policies", self._tool_policies)
        controls = principal.cache_controls
        yield Rule("cache_controls", build_cache_check(controls) if controls else None)

    def _list_routes(self, principal: Principal) -> Iterator[Rule]:
        lists, allowed, closed = self._routes, principal.allowed_routes, self._settings.admin_only_routes
        is_closed = bool(closed) and not principal.is_admin
        yield Rule("admin_only_routes", admin_route_refusal(closed) if is_closed else None)
        role = None if principal.role is None else principal.role.value
        entries = [entry for entry in self._settings.role_permissions if entry.role == role]
        for entry in entries:
            yield Rule("role_permissions", build_role_check(entry, lists, self._lists))
        if not entries:
            yield Rule("role_permissions", None)
        yield _rule(
            "allowed_routes", lambda context: lists.check(allowed, context.head.path), applies=bool(allowed)
        )


def _rule(name: str, check: Check, *, applies: bool) -> Rule:
    return Rule(name, check if applies else None)


def _fact(name: str, check: Check, *, refuses: bool) -> Rule:
    """A rule of which it is known, as long as the caller is, whether it refuses."""
    return Rule(name, check if refuses else None, is_for_all=True)


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


def _list_objects(principal: Principal) -> Iterator[Rule]:
    """Tools by name, vector stores, agents; the key's own list of tools stands in the place of its team's."""
    allowed = _texts(principal.metadata.get("allowed_tools")) or _texts(
        principal.team_metadata.get("allowed_tools")
    )
    blocked = frozenset(name for one in principal.permissions for name in one.blocked_tools)
    tools = build_tool_check(frozenset(allowed), blocked) if allowed or blocked else None
    yield Rule("tools", tools)
    has_stores = any(one.vector_stores or not one.is_readable for one in principal.permissions)
    yield Rule("vector_stores", build_vector_store_check(principal.permissions) if has_stores else None)
    has_agents = any(map(restricts_agents, principal.permissions))
    yield _rule("agents", check_named_agent, applies=has_agents)


def _texts(value: object) -> tuple[str, ...]:
    # What is no list of texts has been noted as unreadable when the caller was built.
    return tuple(cast("list[str]", value)) if isinstance(value, list) else ()
