import pytest

from gateway.access.models import ModelLists
from gateway.domain import Limit, LimitKind, ModelGrant, Principal, Scope, ScopeKind
from gateway.errors import PermissionDenied
from gateway.identity.keys.rules import DASHBOARD_TEAM, check_opens_no_more

KEY = Scope(ScopeKind.KEY, "hash")
ROW = {"max_budget": None, "rpm_limit": None, "models": [], "allowed_routes": []}
covers = ModelLists().covers


def caller(**members: object) -> Principal:
    return Principal(token_hash="hash", user_id="user", **members)


LIMITED = caller(limits=(Limit(scope=KEY, kind=LimitKind.BUDGET, amount=2_000_000_000),))
OF_MODELS = caller(grants=(ModelGrant(KEY, frozenset({"openai/*"})),))
OF_ROUTES = caller(allowed_routes=("/key/*", "/v1/models"))


@pytest.mark.parametrize(
    ("principal", "row", "named"),
    [
        (LIMITED, {}, "max_budget"),
        (LIMITED, {"max_budget": 2.1}, "max_budget"),
        (OF_MODELS, {}, "models"),
        (OF_MODELS, {"models": ["openai/a", "other"]}, "models"),
        (OF_ROUTES, {}, "allowed_routes"),
        (OF_ROUTES, {"allowed_routes": ["/v1/models", "/v1/chat/completions"]}, "allowed_routes"),
    ],
)
def test_a_key_that_allows_more_is_refused(principal, row, named):
    with pytest.raises(PermissionDenied, match=named):
        check_opens_no_more(principal, {**ROW, **row}, covers)


@pytest.mark.parametrize(
    ("principal", "row"),
    [
        (caller(), {}),
        (LIMITED, {"max_budget": 2.0}),
        (OF_MODELS, {"models": ["openai/a"]}),
        (OF_ROUTES, {"allowed_routes": ["/v1/models"]}),
    ],
)
def test_a_key_that_allows_no_more_passes(principal, row):
    check_opens_no_more(principal, {**ROW, **row}, covers)


def test_a_login_session_is_nobodys_limit():
    session = caller(team_id=DASHBOARD_TEAM, allowed_routes=("/key/*",))
    check_opens_no_more(session, ROW, covers)
