"""Whatever is sent to a route, it answers, and with a status that its description names."""

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies
from schemathesis.generation import GenerationMode

from gateway.composition.routes import ROUTES
from tests.integration.fuzzing.fuzzed import FuzzedGateway, fault_of
from tests.integration.serving import MASTER_KEY

pytestmark = pytest.mark.hypothesis

# With the nightly profile each route is asked many times.
_EXAMPLES = 6 if hypothesis.settings.default.max_examples <= 100 else 200
_AIMS = ("anything", "what is there")
_SETTINGS = hypothesis.settings(
    max_examples=_EXAMPLES,
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
_RESOURCES = sorted({"inference", *(handler.opt["rule"].permit.resource.value for handler in ROUTES)})


@pytest.mark.parametrize("resource", _RESOURCES)
def test_every_answer_is_documented_and_none_is_a_failure(fuzzed: FuzzedGateway, resource: str) -> None:
    faults: list[str | None] = []
    tenant = fuzzed.admit()
    for operation in fuzzed.operations.values():
        if resource not in operation.definition.raw["tags"]:
            continue
        cases = strategies.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )

        @_SETTINGS
        @hypothesis.given(
            cases, strategies.sampled_from((MASTER_KEY, tenant.key)), strategies.sampled_from(_AIMS)
        )
        def ask(case: Any, key: str, aim: str) -> None:
            if aim == "what is there":
                tenant.point(case)
            faults.append(fault_of(case, case.call(**fuzzed.call_options(key))))

        ask()

    wrong = [fault for fault in faults if fault is not None]
    assert wrong == [], "\n\n".join(wrong)
