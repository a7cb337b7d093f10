"""A running gateway that is sent generated requests, with one thing of every kind in it."""

import asyncio
import contextlib
import time
from collections.abc import Container, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from requests import Session

from tests.conftest import DatabaseFactory
from tests.integration.fuzzing.recipes import Cook, Recipe
from tests.integration.serving import MASTER_KEY, ServerProcess, bearer

_SECONDS = 20.0
_DAYS = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
_MOCK = {"model": "openai/m", "mock_response": "Hello"}
_CONFIG = {"model_list": [{"model_name": name, "litellm_params": _MOCK} for name in ("m", "spare")]}


class Tenant:
    """An internal user who administers a team, and one thing of every other kind."""

    def __init__(self, cook: Cook) -> None:
        caller = cook.send("post /user/new", Recipe({"user_role": "internal_user"}))
        self.key: str = caller["key"]
        self._known = _furnish(cook, caller["user_id"])

    def point(self, case: Any, besides: Container[str] = ()) -> None:
        """Let a case name what is there, so that it gets further than to an unknown id."""
        for place in (case.body, case.path_parameters, case.query):
            if isinstance(place, dict):
                place.update(
                    {name: self._known[name] for name in set(place) & set(self._known) - set(besides)}
                )


class FuzzedGateway:
    """A running gateway and its document."""

    def __init__(self, server: ServerProcess) -> None:
        self.origin = server.origin
        self.session = Session()
        self.client = httpx.Client(base_url=server.origin, timeout=_SECONDS, headers=bearer(MASTER_KEY))
        self.cook = Cook(self.client)
        self.document = self.client.get("/openapi.json").raise_for_status().json()
        self.schema = schemathesis.openapi.from_dict(self.document)
        # What follows what is said by the document's links and not guessed from names.
        self.schema.config.phases.stateful.inference.algorithms = []
        found = [result.ok() for result in self.schema.get_all_operations()]
        self.operations: dict[str, Any] = {one.definition.raw["operationId"]: one for one in found}

    def close(self) -> None:
        self.client.close()
        self.session.close()

    def admit(self) -> Tenant:
        """Make another tenant: requests that were generated may have shut out those who are there.

        What they say of everybody's teams has to be taken back, for there are no such teams.
        """
        self.client.patch("/update/internal_user_settings", json={"teams": None}).raise_for_status()
        deadline = time.monotonic() + _SECONDS
        while self.client.get("/get/internal_user_settings").json()["values"].get("teams"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return Tenant(self.cook)

    def date(self, case: Any) -> None:
        """Let a report have days to report on, without which it has nothing to say."""
        names = {one["name"] for one in case.operation.definition.raw["parameters"]}
        if _DAYS.keys() <= names and isinstance(case.query, dict):
            case.query.update(_DAYS)

    def required(self, case: Any) -> set[str]:
        """The parameters and members of the body that a case cannot do without."""
        described = case.operation.definition.raw
        names = {one["name"] for one in described["parameters"] if one["required"]}
        if "requestBody" in described:
            schema = described["requestBody"]["content"]["application/json"]["schema"]
            if "$ref" in schema:
                schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            names.update(schema.get("required", ()))
        return names

    def call_options(self, key: str) -> dict[str, Any]:
        """How a case is sent by a caller."""
        return {
            "base_url": self.origin,
            "session": self.session,
            "headers": bearer(key),
            "timeout": _SECONDS,
        }


def fault_of(case: Any, answer: Any) -> str | None:
    """What is wrong with an answer; None when its status is described and says of no failure."""
    described = case.operation.definition.raw
    # There is no cache here, which is what its routes say.
    may_fail = answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and "cache" in described["tags"]
    if str(answer.status_code) in described["responses"] and (answer.status_code < 500 or may_fail):
        return None
    return f"{answer.status_code} {case.as_curl_command()}\n{answer.text[:300]}"


@contextlib.contextmanager
def serve_fuzzed(folder: Path, databases: DatabaseFactory, template: str) -> Iterator[FuzzedGateway]:
    """Serve a gateway with a database of its own."""
    name = databases.create(template)
    server = ServerProcess(folder, _CONFIG, databases.url_of(name))
    with asyncio.Runner() as runner:
        runner.run(server.start())
        gateway = FuzzedGateway(server)
        yield gateway
        gateway.close()
        runner.run(server.stop())
        runner.run(server.http.aclose())
    databases.drop(name)


def _furnish(cook: Cook, user: str) -> dict[str, Any]:
    """Make one thing of every kind, and the user a team's admin; returns what requests call the things."""
    organization, budget, tag = cook.make("organization_id"), cook.make("budget_id"), cook.make("tag")
    team = cook.send("post /team/new", Recipe({"organization_id": organization}))["team_id"]
    member = {"role": "admin", "user_id": user}
    cook.send("post /team/member_add", Recipe({"team_id": team, "member": member}))
    key = cook.send("post /key/generate", Recipe({"team_id": team}))["token"]
    return {
        "organization_id": organization,
        "organizations": [organization],
        "key": key,
        "id": budget,
        "team_id": team,
        "group_id": team,
        "team_ids": [team],
        "teams": [team],
        "budget_id": budget,
        "name": tag,
        "budgets": [budget],
        "user_id": user,
        "user_ids": [user],
        "end_user_id": cook.make("customer"),
        "keys": [key],
        "model_id": "m",
        "model": "m",
        "names": [tag],
        "project_id": cook.send("post /project/new", Recipe({"team_id": team}))["project_id"],
        "entry_id": cook.send("get /audit", Recipe())["audit_logs"][0]["id"],
    }
