"""Budgets that come near their limits are told while requests are served."""

import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from gateway.alerts.alerts import Alerts
from gateway.alerts.channels import WebhookChannel
from gateway.alerts.posting import parse_address
from gateway.alerts.store import AlertStore
from gateway.alerts.upstreams import UpstreamAlerts
from gateway.ids import hash_token
from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, deployment
from tests.upstreams import Upstream, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Upstream]:
    """A server that answers every POST."""
    async with Upstream() as receiver:
        yield receiver


@pytest_asyncio.fixture(loop_scope="session")
async def alerts(live: LiveGateway, receiver: Upstream) -> AsyncIterator[Alerts]:
    parts = live.gateway.parts
    channel = WebhookChannel(parse_address(receiver.origin))
    alerts = Alerts(AlertStore(parts.database), [channel], parts.clock)
    running = asyncio.create_task(alerts.run())
    parts.ledger.watch = alerts
    yield alerts
    parts.ledger.watch = None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_key_that_uses_up_its_budget_is_told_of_twice(
    live: LiveGateway, alerts: Alerts, receiver: Upstream
) -> None:
    key = await live.make_key(max_budget=1.2 * PRICE / 1e9, key_alias="told")
    assert (await live.chat(key)).status_code == 200
    await alerts.flush()
    assert (await live.chat(key)).status_code == 200
    await live.settled()
    await alerts.flush()
    assert (await live.chat(key)).status_code == 422
    await alerts.flush()

    events = [json.loads(request.body) for request in receiver.requests]
    assert [(event["event"], event["spend"]) for event in events] == [
        ("max_budget_alert", PRICE / 1e9),
        ("budget_crossed", 2 * PRICE / 1e9),
    ]
    assert {event["token"] for event in events} == {hash_token(key)}
    assert {event["key_alias"] for event in events} == {"told"}


async def test_a_provider_that_fails_and_one_that_is_slow_are_told(
    live: LiveGateway, alerts: Alerts, receiver: Upstream, key: str
) -> None:
    parts = live.gateway.parts
    watch = UpstreamAlerts(alerts.tell, parts.clock, 0)
    live.configure(deployment("m", live.upstream, info_id="told-of", num_retries=0))
    live.gateway.snapshot.router.cooldowns.watch = watch
    live.gateway.parts = msgspec.structs.replace(parts, upstream_alerts=watch)
    try:
        good = live.upstream.default
        live.upstream.default = replies.error(503, "upstream is down")
        assert (await live.chat(key)).status_code == 503
        live.upstream.default = good
        assert (await live.chat(key)).status_code == 200
        await live.settled()
        await alerts.flush()
    finally:
        live.gateway.parts = parts
    events = {(event := json.loads(one.body))["event"]: event["event_message"] for one in receiver.requests}
    assert events["llm_exceptions"].startswith("LLM API call failed: model=real-model, deployment=told-of")
    assert "Responses are slow: model=m, deployment=told-of" in events["llm_too_slow"]
