"""Health checks by hand and by themselves, what they found before, and tests of services."""

import asyncio
from typing import Any

import pytest

from gateway.alerts.alerts import Alerts
from gateway.alerts.channels import WebhookChannel
from gateway.alerts.posting import parse_address
from gateway.alerts.store import AlertStore
from gateway.db.lease import Lease
from gateway.pipeline.health.background import CHECKED_BY, BackgroundChecks, build_health_job
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import INPUT_NANOS, MASTER_KEY, OUTPUT_NANOS, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_check_tells_who_answered_and_is_kept(desk: Desk, unique):
    good, bad = unique("good"), unique("bad")
    desk.live.configure(
        deployment(good, desk.live.upstream, info_id=good),
        deployment(bad, "http://127.0.0.1:1", info_id=bad),
    )
    report = await desk.get("/health")
    assert (report["healthy_count"], report["unhealthy_count"]) == (1, 1)
    [healthy], [unhealthy] = report["healthy_endpoints"], report["unhealthy_endpoints"]
    assert (healthy["model_id"], unhealthy["model_id"]) == (good, bad)
    assert unhealthy["error"]
    assert "127.0.0.1" not in str(report)
    latest = await desk.get("/health/latest")
    assert latest["total_models"] == 2
    kept = latest["latest_health_checks"]
    assert (kept[good]["status"], kept[bad]["status"]) == ("healthy", "unhealthy")
    assert kept[good]["details"]["cost"] == (11 * INPUT_NANOS + 7 * OUTPUT_NANOS) / 1e9
    assert kept[good]["response_time_ms"] > 0
    assert kept[bad]["error_message"] == unhealthy["error"]
    assert kept[good]["checked_at"].endswith("Z")


async def test_the_history_is_filtered_and_paged(desk: Desk, unique):
    name = unique("model")
    desk.live.configure(deployment(name, desk.live.upstream))
    await desk.get("/health", model=name)
    desk.live.upstream.script.append(replies.error(500, "Broken"))
    await desk.get("/health", model=name)
    history = await desk.get("/health/history", model=name)
    assert (history["total_records"], history["limit"], history["offset"]) == (2, 100, 0)
    assert [each["status"] for each in history["health_checks"]] == ["unhealthy", "healthy"]
    assert history["health_checks"][0]["checked_by"] == "default_user_id"
    healthy = await desk.get("/health/history", model=name, status_filter="healthy")
    assert [each["status"] for each in healthy["health_checks"]] == ["healthy"]
    second = await desk.get("/health/history", model=name, limit=1, offset=1)
    assert [each["status"] for each in second["health_checks"]] == ["healthy"]
    for query in ({"limit": 0}, {"offset": 10_001}, {"status_filter": "odd"}):
        answer = await desk.ask("GET", "/health/history", params=query)
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", *query])


async def test_a_key_checks_what_it_may_use_and_nothing_else(desk: Desk, unique):
    mine, other = unique("mine"), unique("other")
    desk.live.configure(deployment(mine, desk.live.upstream), deployment(other, desk.live.upstream))
    key = await desk.live.make_key(models=[mine])
    report = await desk.get("/health", key)
    assert [each["model_name"] for each in report["healthy_endpoints"]] == [mine]
    answer = await desk.ask("GET", "/health", key, params={"model": other})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (404, "not_found_error", "model")
    assert (await desk.ask("GET", "/health", params={"model_id": "none"})).status_code == 404
    assert (await desk.live.http.get("/health")).status_code == 401


async def test_who_is_no_administrator_has_nobody_asked_again_and_again(desk: Desk, unique):
    one, two = unique("one"), unique("two")
    desk.live.configure(deployment(one, desk.live.upstream), deployment(two, desk.live.upstream))
    key, asked = await desk.live.make_key(), len(desk.live.upstream.requests)
    first = await desk.get("/health", key, model=one)
    again = [await desk.get("/health", key, model=one) for _ in range(3)]
    both = await desk.get("/health", key)
    assert len(desk.live.upstream.requests) - asked == 2, "only what is not known yet is asked"
    assert again == [first] * 3
    assert both["healthy_count"] == 2
    await desk.get("/health", model=one)
    assert len(desk.live.upstream.requests) - asked == 3, "an administrator wants to know it now"


async def test_a_deployment_says_how_it_is_checked(desk: Desk, unique):
    wishes: dict[str, Any] = {"info_health_check_model": "openai/cheap", "info_health_check_max_tokens": 3}
    desk.live.configure(deployment(unique("model"), desk.live.upstream, **wishes))
    await desk.get("/health")
    sent = desk.live.upstream.requests[-1].json
    assert (sent["model"], sent["max_tokens"]) == ("cheap", 3)
    desk.live.configure(deployment(unique("model"), desk.live.upstream, info_health_check_timeout=0.01))
    desk.live.upstream.script.append(replies.held())
    report = await desk.get("/health")
    desk.live.upstream.release.set()
    assert report["unhealthy_count"] == 1


@pytest.mark.parametrize("path", ["/health/history", "/health/latest", "/health/backlog", "/health/license"])
async def test_only_administrators_and_viewers_see_what_was_found(desk: Desk, path):
    _, user = await desk.make_user()
    _, viewer = await desk.make_user("proxy_admin_viewer")
    assert (await desk.ask("GET", path, user)).status_code == 401
    assert (await desk.ask("GET", path, viewer)).status_code == 200


async def test_details_of_readiness_tell_of_jobs_and_requests(desk: Desk, key: str):
    desk.live.upstream.script.append(replies.held())
    asked = asyncio.create_task(desk.live.chat(key))
    await desk.live.upstream.wait_for_requests(1)
    assert (await desk.get("/health/backlog"))["in_flight_requests"] >= 1
    details = await desk.get("/health/readiness/details")
    assert (details["status"], details["db"]) == ("healthy", "connected")
    assert details["in_flight_requests"] >= 1
    assert {"job", "runs", "last_error"} == set(details["jobs"][0])
    desk.live.upstream.release.set()
    assert (await asked).status_code == 200
    assert (await desk.get("/health/shared-status"))["shared_health_check_enabled"] is False


async def test_a_stopping_worker_says_how_far_it_is(desk: Desk, key: str):
    live, path = desk.live, "/health/drain"
    serving = (await live.http.get(path)).json()
    live.upstream.script.append(replies.held())
    asked = asyncio.create_task(live.chat(key))
    await live.upstream.wait_for_requests(1)
    live.gateway.begin_stop()
    live.gateway.begin_stop()
    try:
        draining = (await live.http.get(path)).json()
        live.upstream.release.set()
        assert (await asked).status_code == 200
        await live.settled()
        drained = (await live.http.get(path)).json()
    finally:
        live.gateway.is_stopping = False

    assert serving == {"status": "serving", "drained_requests": 0}
    assert draining == {"status": "draining", "drained_requests": 0}
    assert drained["drained_requests"] == 1
    assert drained["status"] == ("draining" if live.stuck else "drained")


async def test_checks_by_themselves_are_off_unless_asked_for(desk: Desk):
    assert build_health_job(desk.live.gateway) is None
    desk.live.configure(
        deployment("m", desk.live.upstream), general_settings={"background_health_checks": True}
    )
    job = build_health_job(desk.live.gateway)
    assert job is not None
    assert job.name == "background_health_checks"


async def test_the_job_checks_who_takes_part_under_its_lease(desk: Desk, unique):
    names = [unique(name) for name in ("checked", "left-out", "other-group", "broken")]
    checked, left_out, other, broken = names
    desk.live.configure(
        deployment(checked, desk.live.upstream, info_id=checked),
        deployment(left_out, desk.live.upstream, info_id=left_out, info_disable_background_health_check=True),
        deployment(other, desk.live.upstream, info_id=other),
        deployment(broken, "http://127.0.0.1:1", info_id=broken),
        general_settings={
            "background_health_checks": True,
            "health_check_concurrency": 1,
            "health_check_details": False,
            "background_health_check_model_groups": [checked, left_out, broken],
        },
    )
    gateway = desk.live.gateway
    await gateway.parts.drain.flush()
    spent = await desk.value('SELECT count(*) FROM "LiteLLM_SpendLogs"')
    lease = Lease(gateway.parts.database, unique("job"), "me")
    await lease.acquire()
    async with counting(desk.live) as counter:
        await BackgroundChecks(gateway).run(lease)
    assert len(counter) == 2 * 3
    kept = (await desk.get("/health/latest"))["latest_health_checks"]
    assert {name: check["status"] for name, check in kept.items()} == {
        checked: "healthy",
        broken: "unhealthy",
    }
    assert {check["checked_by"] for check in kept.values()} == {CHECKED_BY}
    assert kept[checked]["details"] is None
    assert await desk.value('SELECT count(*) FROM "LiteLLM_SpendLogs"') == spent
    sent = len(desk.live.upstream.requests)
    for name, count in ((checked, "healthy_count"), (broken, "unhealthy_count")):
        assert (await desk.get("/health", model=name))[count] == 1
    assert len(desk.live.upstream.requests) == sent
    assert (await desk.get("/health", model=other))["healthy_count"] == 1
    assert len(desk.live.upstream.requests) == sent + 1


async def test_a_connection_is_tried_before_it_is_made(desk: Desk):
    params = {"model": "openai/any", "api_base": desk.live.upstream.base_url, "api_key": "sk-of-the-provider"}
    tried = await desk.post("/health/test_connection", {"litellm_params": params, "mode": "chat"})
    assert (tried["status"], tried["result"]["model"]) == ("success", "any")
    desk.live.upstream.script.append(replies.error(401, "Wrong key sk-of-the-provider"))
    failed = await desk.post("/health/test_connection", {"litellm_params": params})
    assert failed["status"] == "error"
    assert "sk-of-the-provider" not in str(failed)
    status, kind, param = await desk.refusal(
        "/health/test_connection", {"litellm_params": {"model": "unheard-of"}}
    )
    assert (status, kind) == (400, "bad_request_error")
    assert param.startswith("litellm_params")
    answer = await desk.ask("POST", "/health/test_connection", json={})
    assert answer.json()["detail"][0]["loc"] == ["body", "litellm_params"]
    for role in ("internal_user", "proxy_admin_viewer"):
        _, key = await desk.make_user(role)
        answer = await desk.ask("POST", "/health/test_connection", key, json={"litellm_params": params})
        assert answer.status_code == 403


async def test_a_service_is_tried_by_a_test_that_says_so(desk: Desk, monkeypatch):
    gateway = desk.live.gateway
    for service, status in (("langfuse", 400), ("slack", 422), ("email", 422)):
        answer = await desk.ask("GET", "/health/services", params={"service": service})
        assert (answer.status_code, answer.json()["error"]["param"]) == (status, "service")
    answer = await desk.ask("GET", "/health/services")
    assert answer.json()["detail"][0]["loc"] == ["query", "service"]
    channel = WebhookChannel(parse_address(f"{desk.live.upstream.origin}/hook"))
    alerts = Alerts(AlertStore(gateway.parts.database), [channel], gateway.clock)
    monkeypatch.setattr(gateway, "parts", _with_alerts(gateway.parts, alerts))
    desk.live.upstream.script.append(replies.raw(200, b"{}"))
    sent = await desk.get("/health/services", service="webhook")
    assert sent["status"] == "success"
    assert "Test" in desk.live.upstream.requests[-1].json["event_message"]
    desk.live.upstream.script.append(replies.raw(500, b"{}"))
    answer = await desk.ask("GET", "/health/services", MASTER_KEY, params={"service": "webhook"})
    assert answer.status_code == 503
    assert desk.live.upstream.origin not in answer.text
    _, viewer = await desk.make_user("proxy_admin_viewer")
    answer = await desk.ask("GET", "/health/services", viewer, params={"service": "webhook"})
    assert answer.status_code == 403


def _with_alerts(parts: Any, alerts: Alerts) -> Any:
    members = {name: getattr(parts, name) for name in parts.__struct_fields__}
    return type(parts)(**{**members, "alerts": alerts})
