"""The first-party plugins, and misbehaving ones, on the real request path."""

from typing import Any

import httpx
import msgspec
import pytest

from gateway.domain import Claim, Completion, Meter, ScopeKind
from gateway.hooks import RequestContext, hookimpl
from gateway.hooks.dispatch import compile_hooks
from gateway.hooks.registry import LoadedPlugins
from gateway.sdk.limits import McpServerLimits, claim_mcp_server
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, chat_body, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "AKIAIOSFODNN7EXAMPLE"


def plug(live: LiveGateway, plugin: object) -> None:
    """Add a plugin to those that are loaded, before all others."""
    found: dict[int, tuple[str, object]] = {}
    for items in live.gateway.snapshot.hooks.implementations.values():
        for item in items:
            owner = getattr(item.call, "__self__", None)
            if owner is not None:
                found[id(owner)] = (item.plugin, owner)
    hooks = compile_hooks([("under-test", plugin), *found.values()])
    loaded = msgspec.structs.replace(live.gateway.snapshot.plugins, hooks=hooks)
    assert isinstance(loaded, LoadedPlugins)
    live.gateway.snapshot = msgspec.structs.replace(live.gateway.snapshot, plugins=loaded)


def with_plugin(live: LiveGateway, name: str, settings: dict[str, Any]) -> None:
    live.configure(deployment("m", live.upstream), gatewright={"plugins": {"settings": {name: settings}}})


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_secrets_are_masked_in_what_the_upstream_gets(
    live: LiveGateway,
    key: str,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    with_plugin(live, "guardrails", {"secret_detection": {}})
    message = {"role": "user", "content": f"my key is {SECRET}"}
    answer = await live.post(
        "/v1/chat/completions", key, {"model": "m", "messages": [message], "stream": is_stream}
    )
    assert answer.status_code == 200
    assert SECRET.encode() not in live.upstream.requests[0].body
    assert "my key is" in live.upstream.requests[0].json["messages"][0]["content"]
    assert SECRET not in (await live.row(key)).text


async def test_a_remote_mcp_server_that_is_not_allowed_is_refused(live: LiveGateway, key: str) -> None:
    with_plugin(live, "mcp", {})
    tool = {"type": "mcp", "server_label": "x", "server_url": "https://mcp.example/sse"}
    answer = await live.chat(key, tools=[tool])
    assert (answer.status_code, answer.json()["error"]["param"]) == (403, "tools[0].server_url")
    assert live.upstream.requests == []
    assert (await live.row(key)).status == "failure"


async def test_the_cores_checks_come_before_those_of_plugins(live: LiveGateway) -> None:
    asked: list[str] = []

    class Nosy:
        @hookimpl
        def authorize(self, context: RequestContext) -> None:
            asked.append(context.model)

    live.configure(deployment("m", live.upstream), deployment("other", live.upstream))
    plug(live, Nosy())
    key = await live.make_key(models=["m"])
    assert (await live.chat(key, "other")).status_code == 403
    assert asked == []
    assert (await live.chat(key)).status_code == 200
    assert asked == ["m"]


class Defective:
    """Raises what no plugin should, in one of the hooks."""

    def __init__(self, hook: str) -> None:
        self._hook = hook

    def _fail_in(self, hook: str) -> None:
        if hook == self._hook:
            raise RuntimeError("secret detail of the plugin")

    @hookimpl
    def resolve_model(self, model: str) -> None:
        self._fail_in("resolve_model")

    @hookimpl
    async def authorize(self, context: RequestContext) -> None:
        self._fail_in("authorize")

    @hookimpl
    def collect_claims(self, context: RequestContext) -> None:
        self._fail_in("collect_claims")

    @hookimpl
    async def guard_request(self, context: RequestContext) -> None:
        self._fail_in("guard_request")

    @hookimpl
    def on_completion(self, completion: Completion) -> None:
        self._fail_in("on_completion")


@pytest.mark.parametrize("hook", ["resolve_model", "authorize", "collect_claims", "guard_request"])
async def test_a_defective_plugin_is_answered_with_500_and_nothing_stays_held(
    live: LiveGateway, hook: str
) -> None:
    key = await live.make_key(max_budget=1, max_parallel_requests=1)
    plug(live, Defective(hook))
    answer = await live.chat(key)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (500, "internal_server_error", "500")
    assert "secret detail" not in answer.text
    row = await live.row(key)
    assert (row.status, row.nanos) == ("failure", 0)
    assert "secret detail" not in row.text
    assert live.held_nanos(key) == 0
    live.configure(deployment("m", live.upstream))
    assert (await live.chat(key)).status_code == 200


async def test_a_plugin_that_fails_after_the_answer_harms_nobody(live: LiveGateway, key: str) -> None:
    plug(live, Defective("on_completion"))
    assert (await live.chat(key)).status_code == 200
    assert (await live.row(key)).status == "success"


async def test_a_plugin_that_fails_at_a_cancelled_upstream_call_still_settles(
    live: LiveGateway, key: str
) -> None:
    plug(live, Defective("on_completion"))
    live.upstream.script.append(replies.error(400, "No."))
    assert (await live.chat(key)).status_code == 400
    assert live.held_nanos(key) == 0


class Probe:
    """Claims the limits of the MCP server that a header names, as a plugin that serves MCP would."""

    def __init__(self, **limits: Any) -> None:
        self._limits = limits

    @hookimpl
    def collect_claims(self, context: RequestContext) -> list[Claim]:
        name = context.head.headers.get("x-mcp-servers")
        if name is None:
            return []
        server = McpServerLimits(id=f"id-{name}", names=(name,), **self._limits)
        return claim_mcp_server(context.principal, server, context.estimated_cost_nanos)


async def ask_server(live: LiveGateway, key: str, server: str) -> httpx.Response:
    return await live.post("/v1/chat/completions", key, chat_body(), x_mcp_servers=server)


async def test_a_key_and_its_team_limit_their_requests_to_an_mcp_server(live: LiveGateway) -> None:
    plug(live, Probe())
    made = await live.http.post(
        "/team/new", json={"mcp_rpm_limit": {"docs": 2, "id-mail": 1}}, headers=bearer(MASTER_KEY)
    )
    team = made.json()["team_id"]
    one, two = await live.make_key(team_id=team, mcp_rpm_limit={"docs": 1}), await live.make_key(team_id=team)
    assert (await ask_server(live, one, "docs")).status_code == 200
    refused = await ask_server(live, one, "docs")
    assert refused.status_code == 429
    assert "Rate limit exceeded for mcp_per_key: docs. Limit type: requests" in refused.text
    assert (await ask_server(live, two, "docs")).status_code == 200
    assert "mcp_per_team: docs" in (await ask_server(live, two, "docs")).text
    assert (await ask_server(live, two, "other")).status_code == 200
    assert (await live.chat(one)).status_code == 200
    # By the id too, whichever key of the team asks.
    assert (await ask_server(live, one, "mail")).status_code == 200
    assert (await ask_server(live, two, "mail")).status_code == 429


async def test_the_limits_of_an_mcp_server_are_shared_by_everybody(live: LiveGateway, key: str) -> None:
    plug(live, Probe(rpm=1))
    name = f"docs-{key[-6:]}"
    assert (await ask_server(live, key, name)).status_code == 200
    refused = await ask_server(live, await live.make_key(), name)
    assert f"Rate limit exceeded for mcp_server: {name}" in refused.text
    assert int(refused.headers["retry-after"]) <= 60


async def test_the_budget_of_an_mcp_server_is_booked_and_known_again(live: LiveGateway, key: str) -> None:
    plug(live, Probe(max_budget_nanos=1))
    name = f"docs-{key[-6:]}"
    assert (await ask_server(live, key, name)).status_code == 200
    row = await live.row(key)
    refused = await ask_server(live, key, name)
    assert (refused.status_code, refused.json()["error"]["scope"]) == (422, "mcp_server")
    assert f"Budget has been exceeded! McpServer={name}" in refused.text
    meter = Meter(ScopeKind.MCP_SERVER, f"id-{name}")
    parts = live.gateway.parts
    await parts.drain.flush()
    parts.ledger.seed([(meter, 0)])
    parts.standing._has_read = False
    await parts.standing.refresh()
    assert parts.ledger.settled(meter) == row.nanos > 0
