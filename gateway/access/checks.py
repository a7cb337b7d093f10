"""The checks that a model request passes before anything is spent on it."""

from functools import partial

from gateway.access.banned import check_banned
from gateway.access.client_choices import ClientChoices, take_choice
from gateway.access.model_access import check_models, check_subject_models
from gateway.access.models import ModelLists, ModelNames
from gateway.access.plan import Plan, PlanBuilder
from gateway.access.subject_checks import check_agents, check_subjects
from gateway.clock import Clock
from gateway.domain import Principal
from gateway.hooks import RequestContext, hookimpl
from gateway.settings import AccessSettings

__all__ = ["AccessChecks"]

_NO_SETTINGS = AccessSettings()


class AccessChecks:
    """The hook `authorize` of the core.

    Which checks can refuse a caller at all is found once per caller: a request runs those and no others.
    """

    def __init__(
        self,
        clock: Clock,
        names: ModelNames | None = None,
        choices: ClientChoices | None = None,
        settings: AccessSettings = _NO_SETTINGS,
    ) -> None:
        self._choices = choices
        self._lists = ModelLists(names)
        self._builder = PlanBuilder(clock, self._lists, settings)
        self._plans: dict[int, Plan] = {}

    # A plugin's opinion is asked only of what may be done at all.
    @hookimpl(tryfirst=True)
    async def authorize(self, context: RequestContext) -> None:
        """Refuse by raising the error of the first check that fails."""
        principal = context.principal
        if check_banned(context.body, context.routed_model, self._choices):
            context.client_choice = take_choice(context.body)
        if context.subjects:
            check_subjects(context.subjects)
        plan = self._plans.get(id(principal)) or self._make(principal)
        for check in plan.before:
            check(context)
        model, routed = context.model, context.routed_model
        if principal.grants and (model, routed) not in plan.allowed:
            check_models(self._lists, principal, model, routed)
            plan.remember(model, routed)
        if context.subjects:
            check_subject_models(self._lists, principal, context.subjects, model, routed)
            check_agents(context)
        for check in plan.after:
            check(context)

    def _make(self, principal: Principal) -> Plan:
        identity = id(principal)
        # The plan goes with its caller, before anybody else can get its identity.
        plan = self._builder.build(principal, partial(_forget, self._plans, identity))
        self._plans[identity] = plan
        return plan


def _forget(plans: dict[int, Plan], identity: int, _caller: object) -> None:
    plans.pop(identity, None)
