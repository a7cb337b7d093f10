"""Walks through the gateway along the links of its document, and what was seen on them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import Any

import hypothesis
from hypothesis import strategies
from hypothesis.stateful import Bundle, MultipleResults, initialize, multiple, rule
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.generation.stateful.state_machine import (
    APIStateMachine,
    StepInput,
    StepOutput,
    release_state_machines,
)
from schemathesis.schemas import APIOperation

from tests.integration.fuzzing.fuzzed import FuzzedGateway, fault_of
from tests.integration.fuzzing.recipes import RECIPES
from tests.integration.serving import MASTER_KEY

_STEPS = 30
# Hypothesis remembers every choice of a run until it ends: half a MB per walk. Rounds bound that alone: the
# process grows all the same, ever more slowly (213 MB before, 351 after a round, 386 after three).
_ROUND = 50
_USUALLY = 0.7
# After this the gateway would refuse everything from here.
_SHUTS_OUT = "post /add/allowed_ip"
# A result goes to the bundle of its operation, whatever the rule says. Hypothesis sorts rules by target and
# name, and takes the first ones most often: these have the target of the others, and a late name.
_ANY = Bundle("catch_all")
_SETTINGS = hypothesis.settings(
    stateful_step_count=_STEPS,
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


@dataclass
class Seen:
    """What was asked on all walks: how often, what was done, and what was wrong."""

    walks: int = 0
    steps: Counter[tuple[str, int]] = field(default_factory=Counter)
    done: set[str] = field(default_factory=set)
    """The operations that were reached by a link and did what they were asked."""
    faults: dict[tuple[str, int], str] = field(default_factory=dict)
    """Per operation and status, every request of the walk that ended there, the last one being at fault."""


def walk(fuzzed: FuzzedGateway, *, as_operator: bool, count: int) -> Seen:
    """Go some walks, as the operator or as a tenant, who does what it may with what the operator has made."""
    seen = Seen()
    # Hypothesis gives the module's own generator the same seed on every walk.
    random = Random(0 if _SETTINGS.derandomize else None)
    members = {"fuzzed": fuzzed, "seen": seen, "as_operator": as_operator, "random": random}
    linked = fuzzed.schema.as_state_machine()
    others = _rules_of_others(fuzzed.operations, linked)
    machine = type("Walk", (_Walk, linked), members | others)
    while seen.walks < count:
        if _SETTINGS.derandomize:
            # Every round has walks of its own.
            hypothesis.seed(seen.walks)(machine)
        try:
            machine.run(settings=hypothesis.settings(_SETTINGS, max_examples=min(_ROUND, count - seen.walks)))
        except hypothesis.errors.Flaky:
            # The same requests are answered otherwise the second time, as a gateway with a memory should.
            continue
    # Hypothesis keeps the rules of every machine until it is told otherwise: some 12 MB each.
    release_state_machines(machine, linked)
    return seen


class _Walk:
    """What a walk adds to the state machine that the document's links make."""

    fuzzed: FuzzedGateway
    seen: Seen
    as_operator: bool
    random: Random

    def setup(self) -> None:
        self.seen.walks += 1
        self.told: list[str] = []
        self.tenant = self.fuzzed.admit()

    @initialize(target=_ANY, names=strategies.lists(strategies.sampled_from(sorted(RECIPES)), max_size=4))
    def furnish(self, names: list[str]) -> MultipleResults[StepOutput]:
        """Begin with some things that are there for certain."""
        return multiple(*(self._make(name) for name in names))

    def _make(self, name: str) -> StepOutput:
        recipe = self.fuzzed.cook.prepare(name)
        body = {} if recipe.body is None else {"body": recipe.body, "media_type": "application/json"}
        case = self.fuzzed.operations[name].Case(path_parameters=recipe.path_parameters, **body)
        self.recorder.record_case(case=case)
        self.key = MASTER_KEY if self.as_operator else self.random.choice((MASTER_KEY, self.tenant.key))
        self.is_linked = False
        return super().step(StepInput.initial(case))

    def step(self, input: StepInput) -> StepOutput:  # noqa: A002  schemathesis' name
        self.key = MASTER_KEY if self.as_operator else self.tenant.key
        self.is_linked = input.is_applied and input.transition is not None
        linked = {str(name) for _, name in input.applied_parameters}
        if self.random.random() < _USUALLY:
            _thin(input.case, self.fuzzed.required(input.case) | linked, self.random)
        if self.random.random() < _USUALLY:
            self.tenant.point(input.case, besides=linked)
            self.fuzzed.date(input.case)
        return super().step(input)

    def get_call_kwargs(self, _case: Case) -> dict[str, Any]:
        return self.fuzzed.call_options(self.key)

    def validate_response(self, response: Response, case: Case, *_: Any, **options: Any) -> None:
        place = (case.operation.label, response.status_code)
        self.seen.steps[place] += 1
        self.told.append(f"{case.as_curl_command(headers=options['headers'])}\n  -> {response.status_code}")
        if self.is_linked and response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            self.seen.done.add(case.operation.label)
        fault = fault_of(case, response)
        if fault is not None:
            self.seen.faults.setdefault(place, "\n".join([*self.told, fault]))


def _rules_of_others(
    operations: dict[str, APIOperation], linked: type[APIStateMachine]
) -> dict[str, Callable[[Any, Case], StepOutput]]:
    """A step per resource for its operations without links: lists and reports show what was made before."""
    found: dict[str, list[APIOperation]] = {}
    for name, one in operations.items():
        if one.label not in linked._transitions.operations and name != _SHUTS_OUT:
            found.setdefault(f"without_links_{one.definition.raw['tags'][0]}", []).append(one)
    return {name: _ask_one_of(name, ones) for name, ones in found.items()}


def _ask_one_of(name: str, operations: list[APIOperation]) -> Callable[[Any, Case], StepOutput]:
    def ask(self: _Walk, case: Case) -> StepOutput:
        self.recorder.record_case(case=case)
        return self.step(StepInput.initial(case))

    ask.__name__ = name
    return rule(target=_ANY, case=strategies.one_of(one.as_strategy() for one in operations))(ask)


def _thin(case: Case, kept: set[str], random: Random) -> None:
    """Leave out most of what a request need not say: one that says everything is refused for some of it."""
    for name in ("body", "query"):
        place = getattr(case, name)
        if isinstance(place, dict):
            others = [member for member in place if member not in kept]
            some = random.sample(others, min(len(others), random.randrange(3)))
            setattr(case, name, {member: place[member] for member in place if member in (*some, *kept)})
