import pytest

from gateway.access.checks import AccessChecks
from gateway.access.subject_checks import may_be_refused
from gateway.domain import AgentRules, ModelGrant, ObjectPermission, Scope, ScopeKind, Subject
from gateway.errors import AuthenticationFailed
from gateway.testing import FakeClock, make_context

SCOPE = Scope(ScopeKind.TAG, "t")
RESTRICTING = {
    "grants": (ModelGrant(SCOPE, frozenset({"m"})),),
    "is_blocked": True,
    "permission": ObjectPermission(owner=SCOPE, id="p"),
    "agent_rules": AgentRules(),
    "unreadable": ("max_budget",),
}
ELSEWHERE = {"scope", "name", "limits", "allowed_region", "default_model", "groups"}
"""Members that no check of `authorize` looks at: limits, regions, and what the caller's own checks ask."""


def test_every_member_of_a_subject_is_thought_of() -> None:
    assert set(Subject.__struct_fields__) == RESTRICTING.keys() | ELSEWHERE


@pytest.mark.parametrize("name", RESTRICTING)
def test_whom_a_check_concerns_may_be_refused(name: str) -> None:
    assert may_be_refused(Subject(scope=SCOPE, **{name: RESTRICTING[name]}))


def test_whom_no_check_concerns_may_not() -> None:
    assert not may_be_refused(Subject(scope=SCOPE, name="t", allowed_region="eu", default_model="m"))


async def test_who_was_harmless_is_refused_once_blocked() -> None:
    checks, context = AccessChecks(FakeClock()), make_context({"model": "m", "messages": []})
    context.subjects = (Subject(scope=SCOPE),)
    for _ in range(2):
        await checks.authorize(context)
    context.subjects = (Subject(scope=SCOPE, is_blocked=True),)
    for _ in range(2):
        with pytest.raises(AuthenticationFailed):
            await checks.authorize(context)
