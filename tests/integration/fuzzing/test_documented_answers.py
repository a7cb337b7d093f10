"""Whatever is sent to a route, it answers, and with a status that its description names."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import strategies
from requests import Session
from schemathesis.generation import GenerationMode

from gateway.composition.routes import ROUTES
from tests.integration.serving import MASTER_KEY, ServerProcess, bearer

pytestmark = pytest.mark.hypothesis

# With the nightly profile each route is asked many times.
_EXAMPLES = 10 if hypothesis.settings.default.max_examples <= 100 else 200
_SECONDS = 20.0
_AIMS = ("anything", "what is there")
_SETTINGS = hypothesis.settings(
    max_examples=_EXAMPLES,
    deadline=None,
    database=None,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
_RESOURCES = sorted({"inference", *(handler.opt["rule"].permit.resource.value for handler in ROUTES)})


class Gateway:
    """A running gateway, its document, and two callers."""

    def __init__(self, server: ServerProcess) -> None:
        self.origin = server.origin
        self.session = Session()
        with httpx.Client(base_url=server.origin, timeout=_SECONDS) as client:
            document = client.get("/openapi.json").raise_for_status().json()
            made = client.post("/user/new", json={"user_role": "internal_user"}, headers=bearer(MASTER_KEY))
            self.keys = (MASTER_KEY, made.raise_for_status().json()["key"])
            self.known = self._furnish(client, made.json()["user_id"])
        self.schema = schemathesis.openapi.from_dict(document)

    def _furnish(self, client: httpx.Client, user_id: str) -> dict[str, Any]:
        """Make one thing of every kind; returns what members of requests call them."""

        def make(path: str, body: dict[str, Any], name: str) -> Any:
            answer = client.post(path, json=body, headers=bearer(MASTER_KEY)).raise_for_status()
            return answer.json()[name]

        organization = make("/organization/new", {"organization_alias": "acme"}, "organization_id")
        team = make("/team/new", {"organization_id": organization}, "team_id")
        budget = make("/budget/new", {"max_budget": 5}, "budget_id")
        customer = make("/customer/new", {"user_id": "customer"}, "user_id")
        key = make("/key/generate", {"team_id": team, "key_alias": "alias"}, "token")
        make("/tag/new", {"name": "tag"}, "tag")
        known: dict[str, Any] = {
            "organization_id": organization,
            "organizations": [organization],
            "key": key,
            "id": budget,
            "team_id": team,
            "group_id": team,
            "team_ids": [team],
            "teams": [team],
            "budget_id": budget,
            "name": "tag",
            "budgets": [budget],
            "user_id": user_id,
            "user_ids": [user_id],
            "end_user_id": customer,
            "keys": [key],
            "key_alias": "alias",
            "model_id": "m",
            "model": "m",
            "names": ["tag"],
            "project_id": make("/project/new", {"team_id": team}, "project_id"),
            "entry_id": client.get("/audit", headers=bearer(MASTER_KEY)).json()["audit_logs"][0]["id"],
        }
        return known

    def point(self, case: Any) -> None:
        """Let a case name what is there, so that it gets further than to an unknown id."""
        for place in (case.body, case.path_parameters, case.query):
            if isinstance(place, dict):
                place.update({name: self.known[name] for name in self.known if name in place})

    def operations(self, resource: str) -> list[Any]:
        found = [result.ok() for result in self.schema.get_all_operations()]
        return [operation for operation in found if resource in operation.definition.raw["tags"]]

    def ask(self, case: Any, key: str) -> list[str]:
        """Send a case; what is wrong with the answer."""
        answer = case.call(base_url=self.origin, session=self.session, headers=bearer(key), timeout=_SECONDS)
        documented = case.operation.definition.raw["responses"]
        if str(answer.status_code) in documented and (answer.status_code < 500 or answer.status_code == 503):
            return []
        return [f"{answer.status_code} {case.as_curl_command()}\n{answer.text[:300]}"]


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, database_factory: Any, migrated_template: str
) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    name = database_factory.create(migrated_template)
    config = {
        "model_list": [
            {"model_name": "m", "litellm_params": {"model": "openai/m", "mock_response": "Hello"}},
        ]
    }
    server = ServerProcess(folder, config, database_factory.url_of(name))
    with asyncio.Runner() as runner:
        runner.run(server.start())
        gateway = Gateway(server)
        yield gateway
        gateway.session.close()
        runner.run(server.stop())
        runner.run(server.http.aclose())
    database_factory.drop(name)


@pytest.mark.parametrize("resource", _RESOURCES)
def test_every_answer_is_documented_and_none_is_a_failure(gateway: Gateway, resource: str) -> None:
    wrong: list[str] = []
    for operation in gateway.operations(resource):
        cases = strategies.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )

        @_SETTINGS
        @hypothesis.given(cases, strategies.sampled_from(gateway.keys), strategies.sampled_from(_AIMS))
        def ask(case: Any, key: str, aim: str) -> None:
            if aim == "what is there":
                gateway.point(case)
            wrong.extend(gateway.ask(case, key))

        ask()

    assert wrong == [], "\n\n".join(wrong)
