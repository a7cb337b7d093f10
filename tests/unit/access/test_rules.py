import pytest

from gateway.access.rules import RouteRule, check_route
from gateway.domain import Role
from gateway.errors import AuthenticationFailed, PermissionDenied
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource

USERS = frozenset({Role.INTERNAL_USER})
WRITE = RouteRule(name="/key/generate", permit=allow(Resource.KEY, Action.CREATE, Party.OWNER), roles=USERS)
READ = RouteRule(name="/spend/logs", permit=allow(Resource.SPEND, Action.READ, Party.CALLER), roles=USERS)
SELF = RouteRule(name="/key/info", permit=allow(Resource.KEY, Action.READ, Party.CALLER), allows_any_key=True)
ADMIN = RouteRule(name="/model/new", permit=allow(Resource.MODEL, Action.CREATE))
PUBLIC = RouteRule(name="/health/liveliness", permit=allow(Resource.GATEWAY, Action.READ, Party.ANYBODY))


@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.parametrize("rule", [WRITE, READ, SELF, ADMIN, PUBLIC], ids=lambda rule: rule.name)
def test_every_rule_opens_to_exactly_its_roles(caller, rule, role):
    expected = (
        rule.is_public
        or rule.allows_any_key
        or role is Role.PROXY_ADMIN
        or role in rule.roles
        or (role is Role.PROXY_ADMIN_VIEWER and rule.is_read_only)
    )
    principal = caller(role=role, user_id="u")
    if expected:
        check_route(rule, principal, rule.name)
    else:
        with pytest.raises(AuthenticationFailed) as raised:
            check_route(rule, principal, rule.name)
        assert raised.value.type == "auth_error"
        assert raised.value.message.startswith(
            "Authentication Error, Only proxy admin can be used to generate, delete, update info for new "
            f"keys/users/teams. Route={rule.name}. Your role="
        )


def test_a_restricted_key_is_held_to_its_routes_whatever_its_role(caller):
    principal = caller(role=Role.PROXY_ADMIN, allowed_routes=("llm_api_routes",))
    with pytest.raises(PermissionDenied):
        check_route(ADMIN, principal, "/model/new")
    check_route(PUBLIC, principal, "/health/liveliness")


def test_a_rule_that_permits_whom_it_lets_not_in_cannot_be_made():
    with pytest.raises(ValueError, match="The rule of /x permits team_admin"):
        RouteRule(name="/x", permit=allow(Resource.TEAM, Action.UPDATE, Party.TEAM_ADMIN))
