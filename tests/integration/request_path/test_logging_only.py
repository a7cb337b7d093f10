"""Guardrails of the mode `logging_only`: the client notices nothing, and they decide what is recorded."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from gateway.sdk import Content, GuardrailCall, Verdict
from gateway.settings.guardrails import GuardrailMode
from gateway.spend.inspections_store import InspectedRow, InspectionStore
from tests.integration.request_path.guarded import ANSWERS, PRE, WORD, Call, Probe, ask, install
from tests.integration.serving import LiveGateway, Row, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOG = GuardrailMode.LOGGING_ONLY
METRICS = 'SELECT * FROM "LiteLLM_DailyGuardrailMetrics" WHERE guardrail_id = $1'


def store_prompts(live: LiveGateway, *, is_stored: bool = True) -> None:
    live.configure(
        deployment("m", live.upstream), general_settings={"store_prompts_in_spend_logs": is_stored}
    )


async def inspected(live: LiveGateway, key: str) -> Row:
    """The row of a key, after everything that waits was inspected."""
    await live.settled()
    await live.gateway.parts.inspections.flush()
    return await live.row(key)


def runs(row: Row) -> list[dict[str, Any]]:
    return [item for item in row.details["guardrail_information"] if item["guardrail_mode"] == LOG]


@pytest.mark.parametrize("call", ANSWERS, ids=str)
async def test_what_is_recorded_is_masked_and_nothing_else(live: LiveGateway, key: str, call: Call) -> None:
    store_prompts(live)
    install(live, probe := Probe("mask"), LOG)
    answer = await ask(live, key, call, metadata={"note": f"over {WORD}"})
    assert answer.status_code == 200
    assert "[MASKED]" not in answer.text
    assert WORD in live.upstream.requests[-1].body.decode()
    row = await inspected(live, key)
    assert WORD not in row.text
    for column in ("messages", "response", "proxy_server_request"):
        assert "[MASKED]" in row.members[column], column
    assert "over [MASKED]" in row.members["proxy_server_request"]
    (run,) = runs(row)
    assert (run["guardrail_action"], run["masked_entity_count"]) == ("mask", {"word": 3})
    assert row.details["applied_guardrails"] == ["probe"]
    assert WORD in probe.text


@pytest.mark.parametrize("outcome", ["block", "raise", "hang", "impossible"])
async def test_what_is_refused_or_not_inspected_is_not_recorded(
    live: LiveGateway, key: str, outcome: str
) -> None:
    store_prompts(live)
    install(live, Probe(outcome), LOG)
    assert (await ask(live, key)).status_code == 200
    row = await inspected(live, key)
    assert [row.members[name] for name in ("messages", "response", "proxy_server_request")] == ["{}"] * 3
    expected = "block" if outcome == "block" else "failed"
    assert [run["guardrail_action"] for run in runs(row)] == [expected]
    assert row.members["spend"] > 0


class Gate(Probe):
    """A probe that waits until it is told to go on."""

    def __init__(self) -> None:
        super().__init__("mask")
        self.opens = asyncio.Event()

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        await self.opens.wait()
        return await super().inspect(content, call)


async def test_the_client_does_not_wait(live: LiveGateway, key: str) -> None:
    store_prompts(live)
    install(live, gate := Gate(), LOG, deadline_seconds=60)
    assert (await ask(live, key)).status_code == 200
    row = await live.row(key)
    assert (row.members["messages"], row.members["status"]) == ("{}", "success")
    gate.opens.set()
    assert "[MASKED]" in (await inspected(live, key)).members["messages"]


async def test_a_lenient_guardrail_that_fails_lets_content_be_recorded(live: LiveGateway, key: str) -> None:
    store_prompts(live)
    install(live, Probe("raise"), LOG, is_lenient=True)
    await ask(live, key)
    row = await inspected(live, key)
    assert WORD in row.members["messages"]


async def test_without_stored_prompts_only_the_verdict_is_recorded(live: LiveGateway, key: str) -> None:
    store_prompts(live, is_stored=False)
    install(live, probe := Probe("mask"), LOG)
    assert (await ask(live, key)).status_code == 200
    row = await inspected(live, key)
    assert row.members["messages"] == row.members["response"] == row.members["proxy_server_request"] == "{}"
    assert [run["guardrail_action"] for run in runs(row)] == ["mask"]
    assert {content.direction.value for content in probe.shown} == {"request", "response"}


async def test_a_request_that_another_mode_refuses_is_inspected_too(live: LiveGateway, key: str) -> None:
    store_prompts(live)
    install(live, probe := Probe("block"), PRE, LOG)
    assert (await ask(live, key)).status_code == 400
    row = await inspected(live, key)
    assert row.members["proxy_server_request"] == "{}"
    assert len(probe.shown) == 2


async def test_what_finds_no_place_in_the_queue_is_not_recorded(
    live: LiveGateway, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_prompts(live)
    install(live, probe := Probe(), LOG)
    monkeypatch.setattr(live.gateway.parts.inspections, "_most", 0)
    assert (await ask(live, key)).status_code == 200
    row = await inspected(live, key)
    assert row.members["messages"] == "{}"
    assert runs(row)[0]["error"] == "too many records wait for their inspection"
    assert probe.shown == []


async def test_runs_are_counted_once_however_often_they_are_stored(live: LiveGateway, key: str) -> None:
    name = f"count-{key[-6:]}"
    install(live, Probe("mask"), PRE, LOG, name=name)
    database = live.gateway.parts.database
    await ask(live, key)
    row = await inspected(live, key)
    (day,) = await database.fetch(METRICS, name)
    assert day["requests_evaluated"] == 1
    run = {"guardrail_name": "other", "guardrail_action": "pass", "duration": 0.5, "policy_id": name}
    found = InspectedRow(
        row.details["gatewright"]["charge_id"],
        row.members["request_id"],
        0,
        json.dumps([run]),
        '{"late": "\\ud800"}',
        None,
        None,
    )
    await InspectionStore(database).complete([found])
    again = await live.row(key)
    assert (again.details, again.members["messages"]) == (row.details, row.members["messages"])
    uncounted = InspectionStore(database, writes_logs=False)
    other = msgspec.structs.replace(found, runs=json.dumps([{**run, "guardrail_name": f"bare-{name}"}]))
    await uncounted.complete([other])
    (day,) = await database.fetch(METRICS, f"bare-{name}")
    assert (day["requests_evaluated"], day["passed_count"], day["avg_latency_ms"]) == (1, 1, 500.0)
    policies = 'SELECT requests_evaluated FROM "LiteLLM_DailyPolicyMetrics" WHERE policy_id = $1'
    assert await database.fetch_value(policies, name) == 1
