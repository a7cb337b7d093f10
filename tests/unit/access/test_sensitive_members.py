"""Every route x party x sensitive member, and every route x role: who sets what is written down here again.

The permits are the rules; this is what they have to come to (nobody raises its own rights, attaches itself to
what is others', or switches off what watches it). A permit that gives more, or less, has to be argued here.
"""

from collections.abc import Iterator, Mapping
from functools import cache

import msgspec
import pytest

from gateway.access.rules import RouteRule, is_open_to
from gateway.composition.routes import ROUTES
from gateway.domain import Role
from gateway.permits.permit import SENSITIVE
from gateway.permits.terms import Action, Party, Resource

OA, TA, TM, OWNER, CALLER, ANYBODY, SCIM = (
    *(Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN, Party.TEAM_MEMBER, Party.OWNER, Party.CALLER),
    *(Party.ANYBODY, Party.PROVISIONER),
)
_LIMITS = frozenset(
    {"max_budget", "soft_budget", "budget_duration", "model_max_budget", "max_parallel_requests"}
    | {"tpm_limit", "rpm_limit", "models", "metadata"}
)
_KEY = _LIMITS | {"budget_limits", "guardrails"}
_NEW_KEY = _KEY | {"blocked", "team_id", "user_id"}
_PROJECT = _LIMITS | {"blocked", "team_id"}
_TEAM = (
    _KEY
    | {"blocked", "team_id", "organization_id", "object_permission", "access_group_ids", "policies", "tags"}
    | {"team_member_budget"}
)
_OWN_TEAM = _LIMITS - {"budget_duration", "model_max_budget"} | {"team_id", "team_member_budget"}
_MEMBER = frozenset({"team_id", "budget_duration", "max_budget_in_team", "allowed_models"})
_NEW_USER = _LIMITS - {"soft_budget", "model_max_budget"} | {"organizations", "teams", "user_id", "user_role"}

Granted = Mapping[Party, frozenset[str] | set[str]]
_NEW_KEYS: Granted = dict.fromkeys((OA, TA, TM, OWNER), _NEW_KEY)
_KEYS: Granted = {**dict.fromkeys((OA, TA), _KEY | {"blocked", "user_id"}), OWNER: _KEY}
_TEAMS: Granted = {OA: _TEAM, TA: _OWN_TEAM}
_MEMBERS = _MEMBER | {"user_id", "role", "tpm_limit", "rpm_limit"}

GRANTED: Mapping[str, Granted] = {
    "/key/generate": _NEW_KEYS,
    "/key/service-account/generate": dict.fromkeys((OA, TA, TM), _NEW_KEY),
    "/key/update": _KEYS,
    "/key/regenerate": _KEYS,
    "/key/{key}/regenerate": _KEYS,
    "/project/new": dict.fromkeys((OA, TA), _PROJECT),
    "/project/update": dict.fromkeys((OA, TA), _PROJECT),
    "POST /organization/info": {OA: {"organizations"}},
    "/organization/member_add": {OA: {"organization_id"}},
    "/organization/member_update": {OA: {"organization_id", "user_id", "role"}},
    "/organization/member_delete": {OA: {"organization_id", "user_id"}},
    "/team/new": {OA: _TEAM | {"members_with_roles", "team_member_permissions"}},
    "/team/update": _TEAMS,
    "/team/{team_id}": _TEAMS,
    "/team/block": {OA: {"team_id"}},
    "/team/unblock": {OA: {"team_id"}},
    # Whoever joins a team that is open to all names it, and nothing else.
    "/team/member_add": {OA: _MEMBER, TA: _MEMBER, CALLER: {"team_id"}},
    "/team/member_delete": dict.fromkeys((OA, TA), frozenset({"team_id", "user_id"})),
    "/team/member_update": dict.fromkeys((OA, TA), _MEMBERS),
    "/team/bulk_member_add": {OA: {"team_id", "max_budget_in_team"}},
    "/team/permissions_update": dict.fromkeys((OA, TA), frozenset({"team_id", "team_member_permissions"})),
    "/user/new": {OA: _NEW_USER},
    "/user/update": {OWNER: {"user_id", "metadata"}},
    "/user/request_model": {CALLER: {"user_id", "models"}},
    "/invitation/new": {OA: {"user_id"}},
    "/guardrails/register": dict.fromkeys((OA, TA, TM, OWNER), frozenset({"team_id"})),
    # They name what is asked about, or who logs in.
    "/auth/explain": {CALLER: {"tags"}},
    "/compliance/eu-ai-act": {CALLER: {"user_id"}},
    "/compliance/gdpr": {CALLER: {"user_id"}},
    "/v2/login": {ANYBODY: {"password"}},
    "/onboarding/claim_token": {ANYBODY: {"password", "user_id"}},
}
"""By route, what parties beside proxy admins may set of what is sensitive."""

REFUSED_BEHIND_THE_DOOR = frozenset(
    {"/key/bulk_update", "/user/bulk_update", "/health/services", "/health/test_connection"}
)
"""The contract lets other roles in, and refuses them with 403; `test_parties.py` asks."""
_PARTIES = (OA, TA, TM, OWNER, CALLER, ANYBODY, SCIM)
_RULES: Mapping[tuple[str, str], RouteRule] = {
    (method, path): handler.opt["rule"]
    for handler in ROUTES
    for method in handler.http_methods - {"HEAD", "OPTIONS"}
    for path in handler.paths
}


@cache
def _members_of(body: type[msgspec.Struct]) -> frozenset[str]:
    return SENSITIVE & {field.encode_name for field in msgspec.structs.fields(body)}


def _members(rule: RouteRule) -> frozenset[str]:
    return frozenset() if rule.body is None else _members_of(rule.body)


def _granted(method: str, rule: RouteRule) -> Granted:
    return GRANTED.get(rule.name) or GRANTED.get(f"{method} {rule.name}", {})


def _lets(rule: RouteRule, party: Party, name: str) -> bool:
    return name in _members(rule) and rule.permit.lets(party, name)


@pytest.mark.parametrize("party", _PARTIES)
def test_every_party_sets_of_every_route_exactly_what_is_written_here(party: Party) -> None:
    wrong = [
        (method, path, name)
        for (method, path), rule in _RULES.items()
        for name in sorted(SENSITIVE)
        if _lets(rule, party, name) != (name in _granted(method, rule).get(party, ()))
    ]

    assert wrong == []


def test_what_is_written_here_is_of_routes_and_members_that_there_are() -> None:
    members: dict[str, set[str]] = {}
    for (method, _), rule in _RULES.items():
        for name in (rule.name, f"{method} {rule.name}"):
            members.setdefault(name, set()).update(_members(rule))

    unknown = {
        (route, name)
        for route, granted in GRANTED.items()
        for names in granted.values()
        for name in names
        if name not in members.get(route, ())
    }

    assert unknown == set()


def test_proxy_admins_set_everything_and_viewers_nothing_that_changes() -> None:
    wrong = [
        (path, name)
        for (_, path), rule in _RULES.items()
        for name in _members(rule)
        if not _lets(rule, Party.PROXY_ADMIN, name)
        or (rule.permit.action is not Action.READ and _lets(rule, Party.PROXY_ADMIN_VIEWER, name))
    ]

    assert wrong == []


def _doors() -> Iterator[tuple[str, RouteRule, Role | None]]:
    for (_, path), rule in _RULES.items():
        for role in (*Role, None):
            yield path, rule, role


def test_a_role_reaches_no_change_that_only_proxy_admins_may_make_but_these() -> None:
    reached = {
        path
        for path, rule, role in _doors()
        if rule.permit.action is not Action.READ and role is not Role.PROXY_ADMIN
        if rule.permit.resource is not Resource.LOGIN and is_open_to(rule, role)
        if not set(rule.permit.fields) & set(_PARTIES)
    }

    assert reached == REFUSED_BEHIND_THE_DOOR
