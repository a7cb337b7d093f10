"""The checks that a model request passes before anything is spent on it."""

from collections.abc import Iterable, Iterator
from functools import partial

from gateway.access.banned import check_banned
from gateway.access.client_choices import ClientChoices, take_choice
from gateway.access.findings import Finding, Verdict, judge
from gateway.access.model_access import check_grant, check_models, check_subject_models
from gateway.access.models import ModelLists, ModelNames
from gateway.access.plan import Plan, PlanBuilder, Rule
from gateway.access.subject_checks import (
    check_agents,
    check_demands,
    check_subjects,
    may_be_refused,
)
from gateway.access.tool_policies import NO_TOOL_POLICIES, ToolPolicies
from gateway.access.tools import check_named_objects
from gateway.clock import Clock
from gateway.domain import Principal, Subject
from gateway.hooks import RequestContext, hookimpl
from gateway.settings import AccessSettings

__all__ = ["MODEL_RULE", "AccessChecks"]

MODEL_RULE = "model_access"
"""The rule of every list of models, in what `examine` finds."""

_NO_SETTINGS = AccessSettings()
_MOST_HARMLESS = 4_096


class AccessChecks:
    """The hook `authorize` of the core.

    Which checks can refuse a caller at all is found once per caller: a request runs those and no others.
    """

    # Registering a plugin looks at it in a way that gives it a `__dict__`, where methods are slow to find.
    __slots__ = ("_builder", "_choices", "_harmless", "_lists", "_plans")

    def __init__(
        self,
        clock: Clock,
        names: ModelNames | None = None,
        choices: ClientChoices | None = None,
        settings: AccessSettings = _NO_SETTINGS,
        tools: ToolPolicies = NO_TOOL_POLICIES,
    ) -> None:
        self._choices = choices
        self._lists = ModelLists(names)
        self._builder = PlanBuilder(clock, self._lists, settings, tools)
        self._plans: dict[int, Plan] = {}
        self._harmless: dict[int, tuple[Subject, ...]] = {}

    # A plugin's opinion is asked only of what may be done at all.
    @hookimpl(tryfirst=True)
    async def authorize(self, context: RequestContext) -> None:
        """Refuse by raising the error of the first check that fails; `examine` asks the same ones."""
        principal, subjects = context.principal, context.subjects
        if check_banned(context.body, context.routed_model, self._choices):
            context.client_choice = take_choice(context.body)
        may_refuse = bool(subjects) and self._may_refuse(subjects)
        if may_refuse:
            check_subjects(subjects)
        plan = self._plans.get(id(principal)) or self._make(principal)
        for check in plan.before:
            check(context)
        model, routed = context.model, context.routed_model
        if principal.grants and (model, routed) not in plan.allowed:
            check_models(self._lists, principal, model, routed)
            plan.remember(model, routed)
        if may_refuse:
            check_subject_models(self._lists, principal, subjects, model, routed)
            check_demands(context)
        for check in plan.after:
            check(context)

    def _may_refuse(self, subjects: tuple[Subject, ...]) -> bool:
        """Whether any check concerns what a request names; that none does is remembered by identity."""
        if self._harmless.get(id(subjects)) is subjects:
            return False
        if any(map(may_be_refused, subjects)):
            return True
        if len(self._harmless) >= _MOST_HARMLESS:
            self._harmless.clear()
        self._harmless[id(subjects)] = subjects
        return False

    def examine_standing(self, context: RequestContext) -> Iterator[Finding]:
        """Ask every rule on the credential itself, one after the other, whatever the others say."""
        return self._judge_all(self._builder.list_standing(context.principal), context)

    def examine(self, context: RequestContext) -> Iterator[Finding]:
        """Ask every rule of `authorize`, in its order, whatever the others say; nothing is remembered."""
        principal, subjects = context.principal, context.subjects
        yield judge("banned_members", lambda: self._check_members(context))
        if not subjects:
            yield judge("named_objects", None)
        for subject in subjects:
            yield judge("named_objects", partial(check_subjects, (subject,)), subject.scope)
        yield from self._judge_all([self._builder.find_unreadable(principal)], context)
        yield from self._examine_models(context)
        has_agents = any(one.agent_rules and one.agent_rules.requires_trace_id for one in subjects)
        yield judge("named_agents", partial(check_agents, context) if has_agents else None)
        has_permissions = any(one.permission for one in subjects)
        yield judge("named_permissions", partial(check_named_objects, context) if has_permissions else None)
        yield from self._judge_all(self._builder.list_after(principal), context)

    def _examine_models(self, context: RequestContext) -> Iterator[Finding]:
        principal, model, routed = context.principal, context.model, context.routed_model
        grants = [*principal.grants, *(grant for one in context.subjects for grant in one.grants)]
        if not grants:
            yield judge(MODEL_RULE, None)
        for grant in grants:
            check = partial(check_grant, self._lists, principal, grant, model, routed)
            yield judge(MODEL_RULE, check, grant.owner)

    def _check_members(self, context: RequestContext) -> None:
        if check_banned(context.body, context.routed_model, self._choices):
            context.client_choice = take_choice(context.body)

    def _judge_all(self, rules: Iterable[Rule], context: RequestContext) -> Iterator[Finding]:
        for rule in rules:
            if rule.check is not None:
                yield judge(rule.name, partial(rule.check, context))
            else:
                verdict = Verdict.PASSES if rule.is_for_all else Verdict.DOES_NOT_APPLY
                yield Finding(rule=rule.name, verdict=verdict)

    def _make(self, principal: Principal) -> Plan:
        identity = id(principal)
        # The plan goes with its caller, before anybody else can get its identity.
        plan = self._builder.build(principal, partial(_forget, self._plans, identity))
        self._plans[identity] = plan
        return plan


def _forget(plans: dict[int, Plan], identity: int, _caller: object) -> None:
    plans.pop(identity, None)
