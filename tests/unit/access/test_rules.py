import pytest

from gateway.access.rules import RouteRule, check_route
from gateway.domain import Role
from gateway.errors import AuthenticationFailed, PermissionDenied

WRITE = RouteRule(name="/key/generate", roles=frozenset({Role.INTERNAL_USER}))
READ = RouteRule(name="/spend/logs", roles=frozenset({Role.INTERNAL_USER}), is_read_only=True)
SELF = RouteRule(name="/key/info", allows_any_key=True, is_read_only=True)
ADMIN = RouteRule(name="/model/new")
PUBLIC = RouteRule(name="/health/liveliness", is_public=True)


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
