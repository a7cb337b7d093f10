import gc

import pytest

from gateway.access.checks import AccessChecks
from gateway.access.model_access import is_model_allowed
from gateway.access.models import ModelLists
from gateway.clock import SystemClock
from gateway.domain import Scope, ScopeKind
from gateway.errors import (
    AuthenticationFailed,
    BannedParameter,
    GatewayError,
    KeyExpired,
    ModelAccessDenied,
    PermissionDenied,
)


@pytest.fixture
def checks() -> AccessChecks:
    return AccessChecks(SystemClock())


async def test_a_plain_key_passes(checks, context):
    await checks.authorize(context())


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"is_blocked": True}, AuthenticationFailed, "Key is blocked"),
        ({"expires_nanos": 1}, KeyExpired, "Expired Key"),
        ({"blocked_owner": Scope(ScopeKind.TEAM, "t")}, AuthenticationFailed, "Team=t is blocked"),
        ({"blocked_owner": Scope(ScopeKind.PROJECT, "p")}, AuthenticationFailed, "Project=p is blocked"),
        ({"allowed_routes": ("/v1/embeddings",)}, PermissionDenied, "not allowed to call this route"),
    ],
)
async def test_what_stands_against_the_key_is_said(checks, caller, context, fields, error, text):
    with pytest.raises(error, match=text):
        await checks.authorize(context(caller(**fields)))


async def test_an_expired_key_is_named_abbreviated(checks, caller, context):
    with pytest.raises(KeyExpired) as raised:
        await checks.authorize(context(caller(expires_nanos=1)))
    assert (raised.value.status, raised.value.type, raised.value.param) == (401, "expired_key", "sk-...cdef")


@pytest.mark.parametrize(
    ("kind", "error_type"),
    [
        (ScopeKind.KEY, "key_model_access_denied"),
        (ScopeKind.TEAM, "team_model_access_denied"),
        (ScopeKind.TEAM_MEMBER, "team_model_access_denied"),
        (ScopeKind.USER, "user_model_access_denied"),
        (ScopeKind.ORGANIZATION, "org_model_access_denied"),
        (ScopeKind.PROJECT, "project_model_access_denied"),
    ],
)
async def test_every_owner_can_deny_a_model_without_listing_its_own(
    checks, caller, context, kind, error_type
):
    principal = caller({other: {"gpt-4o", "secret"} for other in ScopeKind} | {kind: {"secret"}})
    with pytest.raises(ModelAccessDenied) as raised:
        await checks.authorize(context(principal))
    error = raised.value
    assert (error.status, error.type, error.param) == (403, error_type, "model")
    assert "secret" not in error.message
    assert error.message.startswith(
        "The requested model 'gpt-4o' is not available for this API key, or the model name is invalid."
    )


async def test_no_default_models_is_denied_as_the_contract_names_it(checks, caller, context):
    with pytest.raises(ModelAccessDenied) as raised:
        await checks.authorize(context(caller({ScopeKind.USER: {"no-default-models"}})))
    assert raised.value.type == "key_model_access_denied"


async def allowed(checks, request, routed: str) -> bool:
    request.routed_model = routed
    try:
        await checks.authorize(request)
    except GatewayError:
        return False
    return True


async def test_a_key_may_list_its_alias_or_the_target(checks, caller, context):
    for name in ("fast", "gpt-4o"):
        principal = caller({ScopeKind.KEY: {name}}, aliases={"fast": "gpt-4o"})
        assert await allowed(checks, context(principal, model="fast"), "gpt-4o")


async def test_a_keys_alias_does_not_open_what_its_user_may_not_use(checks, caller, context):
    principal = caller({ScopeKind.USER: {"cheap"}}, aliases={"cheap": "dear"})
    assert not await allowed(checks, context(principal, model="cheap"), "dear")


async def test_a_teams_alias_counts_for_its_own_list(checks, caller, context):
    principal = caller({ScopeKind.TEAM: {"fast"}}, team_aliases={"fast": "gpt-4o"})
    assert await allowed(checks, context(principal, model="fast"), "gpt-4o")
    assert not await allowed(checks, context(principal, model="other"), "other")


async def test_a_setting_that_cannot_be_read_refuses_and_is_named(checks, caller, context):
    for scope, name in ((Scope(ScopeKind.KEY, "hash"), "sk-...cdef"), (Scope(ScopeKind.TEAM, "t"), "t")):
        with pytest.raises(PermissionDenied) as raised:
            await checks.authorize(context(caller(unreadable=((scope, "max_budget"),))))
        error = raised.value
        assert (error.status, error.type, error.param) == (403, "auth_error", "max_budget")
        assert f"'max_budget' of {scope.kind.value} '{name}'" in error.message
        assert "hash" not in error.message


async def test_banned_members_are_refused(checks, context):
    with pytest.raises(BannedParameter):
        await checks.authorize(context(body={"api_base": "x"}))


def test_models_can_be_asked_for_without_an_error(caller):
    principal = caller({ScopeKind.KEY: {"openai/*"}})
    assert is_model_allowed(ModelLists(), principal, "openai/gpt-4o", "openai/gpt-4o")
    assert not is_model_allowed(ModelLists(), principal, "claude", "claude")


async def test_what_is_known_of_a_caller_goes_with_it(checks, caller, context):
    await checks.authorize(context(caller({ScopeKind.KEY: {"gpt-4o"}})))
    gc.collect()
    assert checks._plans == {}
