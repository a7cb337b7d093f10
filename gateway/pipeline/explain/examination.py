"""Asks every rule and every limit of the request path about a request that nobody makes."""

from collections.abc import Iterable, Iterator
from functools import partial

import msgspec

from gateway.access.findings import Finding, Verdict, judge
from gateway.access.gate import ADDRESS_RULE
from gateway.access.reach import find_group
from gateway.admission.outlook import Outlook, Standing, places_of
from gateway.catalog.client_choice import follow_choice
from gateway.catalog.priced import check_priced
from gateway.domain import Deployment, Limit, LimitKind, ModelGroup, Principal
from gateway.errors import BudgetExceeded, GatewayError, ModelAccessDenied, UnknownModel
from gateway.hooks import RequestBody, RequestContext
from gateway.ids import new_charge_id
from gateway.pipeline.admitting import turn_to_default, unknown_model
from gateway.pipeline.end_users import keep_known_end_user
from gateway.pipeline.estimates import estimate_request, note_estimate
from gateway.pipeline.exchange import too_large
from gateway.pipeline.explain.question import Question, Target, build_body, build_head, read_route
from gateway.pipeline.intake import fill_context
from gateway.pipeline.nesting import check_depth
from gateway.pipeline.previous import keep_place, read_previous
from gateway.routing.fallbacks import list_fallbacks
from gateway.runtime import Gateway
from gateway.spend.builder import NO_DETAILS

__all__ = ["Examination", "Fallback", "examine"]


_PASSED_OVER = (BudgetExceeded, ModelAccessDenied, UnknownModel)
"""What keeps a request from one fallback and not from the next."""


class Fallback(msgspec.Struct, frozen=True):
    """A model that the key uses in the place of one whose budget is used up, and what refuses it."""

    model: str
    refusal: GatewayError | None


class Examination:
    """One request, examined; all that was found, for whoever may see it.

    `findings` are in the order of the request path; from `before_model` on they tell of the model what only
    those may know who may use it. `group` is where the request would go, None where that is unknown. `unmet`
    are limits that do not concern the request's model.
    """

    def __init__(
        self, gateway: Gateway, principal: Principal, question: Question, instead: str | None = None
    ) -> None:
        """`instead` is the model that is taken in the place of the one that the request names."""
        self._instead = instead
        self._gateway = gateway
        self._snapshot = gateway.snapshot
        self._question = question
        self._plugins = {one.name for one in self._snapshot.plugins.plugins if one.is_loaded}
        self._target = read_route(question.route)
        self._details = NO_DETAILS
        self.context = _begin(gateway, principal, question, self._target)
        self.asked = ""
        self.findings: list[Finding] = []
        self.group: ModelGroup | None = None
        self.outlook: Outlook | None = None
        self.fallbacks: list[Fallback] = []
        self.unmet: tuple[Limit, ...] = ()
        self.before_model = 0
        self.has_body = question.body is not None

    @property
    def refusal(self) -> GatewayError | None:
        """The error of the first rule that refuses."""
        return next((one.error for one in self.findings if one.error is not None), None)

    @property
    def outcome(self) -> GatewayError | None:
        """What the request would be answered; None where it would be served, be it by another model."""
        if not self.fallbacks:
            return self.refusal
        last = self.fallbacks[-1].refusal
        return self.refusal if isinstance(last, _PASSED_OVER) else last

    @property
    def served_by(self) -> str | None:
        """The model that would be asked in the end."""
        if self.outcome is not None:
            return None
        return self.fallbacks[-1].model if self.fallbacks else self.context.model

    @property
    def cooling(self) -> frozenset[str]:
        """The ids of the deployments that are left alone at present."""
        return frozenset(self._snapshot.router.cooldowns.list_cooling())

    def places_of(self, deployment: Deployment) -> tuple[Standing, ...]:
        """Where the budgets of a deployment and its provider stand."""
        return places_of(self._gateway.parts.ledger.places, deployment, self._gateway.clock)

    async def run(self) -> None:
        """Ask everything. Raises DatabaseUnavailable, and nothing for what refuses the request.

        Raises ServiceUnavailable where counters are shared and cannot be looked up.
        """
        context, core = self.context, self._snapshot.core
        self.findings += self._judge_gate()
        self.findings += core.checks.examine_standing(context)
        self.findings.append(judge("body", self._read_body))
        if self.findings[-1].error is None:
            await self._judge_model()

    async def _judge_model(self) -> None:
        """Ask what depends on the model; the context has it."""
        context, snapshot = self.context, self._snapshot
        if snapshot.settings.access.validates_end_users:
            known, principal = self._gateway.parts.subjects, context.principal
            self._details = await keep_known_end_user(known, principal, self._details)
        named = self._details.extra_scopes
        if named or context.principal.agent_rules is not None:
            subjects, session = self._gateway.parts.subjects, self._details.session_id
            context.subjects = await subjects.find(context.principal, named, session)
        context.routed_model = await snapshot.hooks.resolve_model(context.model, context)
        self.findings += snapshot.core.checks.examine(context)
        self.findings += self._list_plugins("authorize")
        self.before_model = len(self.findings)
        self.group = await self._reach()
        await self._judge_limits(self.group)
        self.findings += self._list_plugins("guard_request")
        if self.group is not None:
            await self._gateway.parts.ledger.places.refresh(self.group.deployments)
            self.findings.append(self._judge_deployments(self.group))

    def _judge_gate(self) -> Iterator[Finding]:
        for finding in self._snapshot.core.gate.examine(self.context.head):
            is_open = finding.rule == ADDRESS_RULE and self._question.client_ip is None
            if is_open and finding.verdict is not Verdict.DOES_NOT_APPLY:
                yield _not_judged(finding.rule, "An administrator can name 'client_ip' to have it judged.")
            else:
                yield finding

    def _read_body(self) -> None:
        context, settings = self.context, self._snapshot.settings.gatewright.limits
        data = build_body(self._question, self._target)
        if len(data) > self._snapshot.body_bytes:
            raise too_large(self._snapshot.body_bytes)
        fill_context(context, data, self._target.model)
        if settings.json_depth:
            check_depth(data, settings.json_depth)
        read_previous(self._gateway.parts.added.seal, context)
        self._details = self._gateway.parts.attribution.read(context)
        self.asked = context.model
        if self._instead is not None:
            context.model = context.routed_model = self._instead

    async def _reach(self) -> ModelGroup | None:
        """Find where the request would go, as its admission does."""
        context, snapshot = self.context, self._snapshot
        try:
            group = find_group(snapshot.catalog, context.routed_model, context.principal, context.subjects)
        except ModelAccessDenied as error:
            try:
                group = await turn_to_default(snapshot, context, error, snapshot.core.checks.authorize)
            except GatewayError as refused:
                self._note("region", refused)
                return None
        is_bound = any(one.allowed_region is not None for one in context.subjects)
        self._note("region", None, applies=is_bound)
        self._note("model_exists", None if group is not None else unknown_model(context))
        if group is None:
            return None
        context.is_free = snapshot.catalog.is_free(context.routed_model, context.started_nanos)
        if context.client_choice is not None:
            choice = judge("client_choice", partial(follow_choice, group, context.client_choice))
            self.findings.append(choice)
            if choice.error is not None:
                return None
            group = follow_choice(group, context.client_choice)
        if context.previous is not None:
            place = judge("previous_response", partial(keep_place, group, context.previous))
            self.findings.append(place)
            if place.error is not None:
                return None
            group = keep_place(group, context.previous)
        is_closed = snapshot.settings.litellm.block_requests_for_models_without_pricing
        check = partial(check_priced, snapshot.catalog, group, context.started_nanos) if is_closed else None
        self.findings.append(judge("price", check))
        return group

    async def _judge_limits(self, group: ModelGroup | None) -> None:
        """Ask every limit; where nobody knows what the request costs, whether anything is left."""
        context, snapshot = self.context, self._snapshot
        if group is not None:
            self.findings.append(judge("estimate", partial(self._estimate, group)))
        claims = await snapshot.hooks.collect_claims(context)
        outlook = self.outlook = await snapshot.core.admission.look(context, claims)
        met = {standing.limit for standing in outlook.standings}
        self.unmet = tuple(limit for limit in _limits_of(context) if limit not in met)
        hard = [one.limit.kind for one in outlook.standings if not one.limit.is_soft]
        is_budget = {kind is LimitKind.BUDGET for kind in hard}
        self._note("budgets", outlook.budget_error, applies=True in is_budget and not context.is_free)
        self._note("rates", outlook.rate_error, applies=False in is_budget)
        self.findings += self._list_plugins("admit")

    def _estimate(self, group: ModelGroup) -> None:
        context, sizes = self.context, self._gateway.parts.output_sizes
        note_estimate(context, estimate_request(context, group, self._snapshot.settings, sizes))

    def _judge_deployments(self, group: ModelGroup) -> Finding:
        finding = judge("deployments", partial(self._snapshot.router.pick, group))
        if finding.error is None or not self._has_fallbacks(group.name, finding.error):
            return finding
        return _not_judged("deployments", "None can be asked; the model's fallbacks would be tried.")

    def _has_fallbacks(self, name: str, error: GatewayError) -> bool:
        return bool(list_fallbacks(name, error, self._snapshot.settings.router, None))

    def _list_plugins(self, hook: str) -> Iterator[Finding]:
        """What plugins decide is not asked: nobody but they knows what asking them changes."""
        for found in self._snapshot.hooks.implementations[hook]:
            if found.plugin in self._plugins:
                yield _not_judged(f"plugin:{found.plugin}", f"The plugin's hook '{hook}' decides it.")

    def _note(self, rule: str, error: GatewayError | None, *, applies: bool = True) -> None:
        """Note what was found already."""
        verdict = Verdict.PASSES if applies else Verdict.DOES_NOT_APPLY
        verdict = verdict if error is None else Verdict.REFUSES
        self.findings.append(Finding(rule=rule, verdict=verdict, error=error))


async def examine(gateway: Gateway, principal: Principal, question: Question) -> Examination:
    """Ask about a request of a caller; where its budget turns it to other models, about these as well.

    Raises BadRequest for a route that is none, DatabaseUnavailable, and ServiceUnavailable as `run`.
    """
    examination = Examination(gateway, principal, question)
    await examination.run()
    refusal = examination.refusal
    if isinstance(refusal, BudgetExceeded):
        await _try_fallbacks(gateway, examination, question, refusal)
    return examination


async def _try_fallbacks(
    gateway: Gateway, examination: Examination, question: Question, refused: BudgetExceeded
) -> None:
    """Ask about the models that take over, up to the first that is served, as admission tries them."""
    principal = examination.context.principal
    for name in principal.budget_fallbacks.get(refused.key_model or "", ()):
        other = Examination(gateway, principal, question, instead=name)
        await other.run()
        examination.fallbacks.append(Fallback(name, other.refusal))
        if not isinstance(other.refusal, _PASSED_OVER):
            return


def _begin(gateway: Gateway, principal: Principal, question: Question, target: Target) -> RequestContext:
    charge_id = new_charge_id()
    return RequestContext(
        head=build_head(question),
        principal=principal,
        endpoint=target.endpoint,
        body=RequestBody({}),
        model="",
        is_stream=False,
        call_id=charge_id,
        charge_id=charge_id,
        started_nanos=gateway.clock.now_nanos(),
        started_monotonic=gateway.clock.monotonic_nanos(),
    )


def _limits_of(context: RequestContext) -> Iterable[Limit]:
    owners = (context.principal, *context.subjects)
    for limit in (limit for owner in owners for limit in owner.limits):
        if limit.holds_at(context.started_nanos):
            yield limit


def _not_judged(rule: str, note: str) -> Finding:
    return Finding(rule=rule, verdict=Verdict.NOT_JUDGED, note=note)
