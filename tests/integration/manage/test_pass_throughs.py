"""Pass-throughs of the database: made, changed, served at once, and gone again."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.audit.masking import MASK
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment, eventually
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/config/pass_through_endpoint"
SECRET = "Bearer of-the-target"


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway, desk: Desk) -> AsyncIterator[None]:
    """One pass-through of the configuration, and none of the database."""
    declared = {"id": "fixed", "path": "/fixed", "target": f"{live.upstream.origin}/fixed"}
    live.upstream.default = replies.raw(200, b"{}")
    live.configure(
        deployment("m", live.upstream), general_settings={"pass_through_endpoints": [{**declared}]}
    )
    yield
    await desk.run("""DELETE FROM "LiteLLM_Config" WHERE param_name = 'general_settings'""")
    live.gateway.parts.added.note_change()
    await eventually(lambda: len(live.gateway.snapshot.pass_throughs.served) == 1)


def body_of(live: LiveGateway, path: str = "/svc", **members: Any) -> dict[str, Any]:
    return {
        "path": path,
        "target": f"{live.upstream.origin}/api",
        "headers": {"Authorization": SECRET},
        **members,
    }


async def until_served(live: LiveGateway, path: str, *, is_there: bool = True) -> None:
    await eventually(lambda: bool(live.gateway.snapshot.pass_throughs.find(path)) is is_there)


async def test_a_pass_through_of_the_database_lives(desk: Desk, live: LiveGateway, key: str) -> None:
    (made,) = (await desk.post(PATH, body_of(live, cost_per_request=0.25)))["endpoints"]
    identifier = made["id"]
    assert (made["headers"], made["is_from_config"]) == ({"Authorization": MASK}, False)
    await until_served(live, "/svc")
    assert (await live.post("/svc", key, {})).status_code == 200
    assert live.upstream.requests[-1].headers["authorization"] == SECRET
    sql = """SELECT param_value::text FROM "LiteLLM_Config" WHERE param_name = $1"""
    assert SECRET not in await desk.value(sql, "general_settings")

    sent = {"path": "/other", "target": made["target"], "headers": {"Authorization": MASK, "x-more": "m"}}
    (changed,) = (await desk.post(f"{PATH}/{identifier}", sent))["endpoints"]
    assert (changed["path"], changed["cost_per_request"], changed["id"]) == ("/other", 0.25, identifier)
    await until_served(live, "/other")
    await until_served(live, "/svc", is_there=False)
    assert (await live.post("/other", key, {})).status_code == 200
    seen = live.upstream.requests[-1].headers
    assert (seen["authorization"], seen["x-more"]) == (SECRET, "m")

    listed = (await desk.get(PATH))["endpoints"]
    assert [(one["id"], one["is_from_config"]) for one in listed] == [("fixed", True), (identifier, False)]
    (one,) = (await desk.get(PATH, endpoint_id=identifier))["endpoints"]
    assert one["headers"] == {"Authorization": MASK, "x-more": MASK}

    answer = await desk.ask("DELETE", PATH, params={"endpoint_id": identifier})
    assert answer.json()["endpoints"][0]["id"] == identifier
    await until_served(live, "/other", is_there=False)
    assert (await live.post("/other", key, {})).status_code == 404
    trail = (await desk.get("/audit", object_id="general_settings"))["audit_logs"]
    assert len(trail) >= 3
    assert SECRET not in json.dumps(trail)


async def test_guardrails_of_the_configuration_are_listed(desk: Desk, live: LiveGateway) -> None:
    target = f"{live.upstream.origin}/fixed"
    declared = {"id": "fixed", "path": "/fixed", "target": target, "guardrails": {"words": None}}
    live.configure(
        deployment("m", live.upstream),
        general_settings={"pass_through_endpoints": [declared]},
        guardrails=[
            {
                "guardrail_name": "words",
                "litellm_params": {
                    "guardrail": "keywords",
                    "mode": "pre_call",
                    "blocked_words": [{"keyword": "aurora"}],
                },
            }
        ],
    )
    (listed,) = (await desk.get(PATH))["endpoints"]
    assert listed["guardrails"] == ["words"]


async def test_what_is_sent_as_it_is_shown_stays(desk: Desk, live: LiveGateway, key: str) -> None:
    target = f"{live.upstream.origin}/api?api_key=of-the-target"
    query = {"token": "another-secret", "plain": "p"}
    sent = body_of(live, target=target, default_query_params=query)
    (made,) = (await desk.post(PATH, sent))["endpoints"]
    assert "of-the-target" not in str(made)
    assert "another-secret" not in str(made)
    await desk.post(f"{PATH}/{made['id']}", {**made, "cost_per_request": 0.5})
    served = lambda: live.gateway.snapshot.pass_throughs.served[-1].cost_nanos  # noqa: E731  asked again
    await eventually(lambda: served() == 500_000_000)
    assert (await live.post("/svc", key, {})).status_code == 200
    sent_query = live.upstream.requests[-1].path.removeprefix("/api?").split("&")
    assert sorted(sent_query) == ["api_key=of-the-target", "plain=p", "token=another-secret"]
    assert live.upstream.requests[-1].headers["authorization"] == SECRET
    elsewhere = {**made, "target": "https://elsewhere.example", "headers": {}}
    refusal = await desk.refusal(f"{PATH}/{made['id']}", elsewhere)
    assert refusal == (400, "bad_request_error", "default_query_params.token")


async def test_a_secret_does_not_go_to_another_target(desk: Desk, live: LiveGateway) -> None:
    (made,) = (await desk.post(PATH, body_of(live)))["endpoints"]
    for headers in ({}, {"headers": {"Authorization": MASK}}):
        sent = {"path": "/svc", "target": "https://elsewhere.example", **headers}
        refusal = await desk.refusal(f"{PATH}/{made['id']}", sent)
        assert refusal == (400, "bad_request_error", "headers.Authorization")


@pytest.mark.parametrize(
    ("members", "status", "param"),
    [
        ({"path": "/key/new"}, 200, None),
        ({"path": "/key/generate"}, 400, "general_settings.pass_through_endpoints.path"),
        ({"path": "/v1", "include_subpath": True}, 400, "general_settings.pass_through_endpoints.path"),
        ({"path": "/fixed"}, 409, "path"),
        ({"path": "no-slash"}, 400, "general_settings.pass_through_endpoints.path"),
        ({"target": "ftp://x"}, 400, "general_settings.pass_through_endpoints.target"),
        ({"methods": ["BREW"]}, 400, "general_settings.pass_through_endpoints.methods[0]"),
        ({"timeout": 0}, 400, "general_settings.pass_through_endpoints.timeout"),
        ({"cost_per_request": -1}, 400, "general_settings.pass_through_endpoints.cost_per_request"),
        ({"headers": {"host": "x"}}, 400, "general_settings.pass_through_endpoints.headers.host"),
        ({"headers": {"a": "os.environ/NO_SUCH"}}, 400, "general_settings.pass_through_endpoints.headers.a"),
        ({"id": "fixed"}, 409, "id"),
    ],
)
async def test_what_cannot_be_served_is_refused(
    desk: Desk, live: LiveGateway, members: dict[str, Any], status: int, param: str | None
) -> None:
    answer = await desk.ask("POST", PATH, json=body_of(live, **members))
    assert answer.status_code == status, answer.text
    if param is not None:
        assert answer.json()["error"]["param"] == param


async def test_what_is_not_there_or_fixed_is_not_changed(desk: Desk, live: LiveGateway) -> None:
    assert (await desk.refusal(f"{PATH}/nobody", body_of(live)))[::2] == (404, "endpoint_id")
    assert (await desk.refusal(f"{PATH}/fixed", body_of(live)))[::2] == (400, "endpoint_id")
    for identifier, status in (("nobody", 404), ("fixed", 400)):
        answer = await desk.ask("DELETE", PATH, params={"endpoint_id": identifier})
        assert answer.status_code == status
    assert (await desk.ask("GET", PATH, params={"endpoint_id": "nobody"})).status_code == 404


async def test_a_teams_list_is_what_its_keys_may_call(desk: Desk, live: LiveGateway) -> None:
    await desk.post(PATH, body_of(live, include_subpath=True))
    every = await desk.post("/team/new", {})
    some = await desk.post("/team/new", {"allowed_passthrough_routes": ["/svc/a"]})
    denied = await desk.post("/team/new", {"denied_passthrough_routes": ["/svc"]})
    listed = [
        [one["path"] for one in (await desk.get(f"{PATH}/team/{team['team_id']}"))["endpoints"]]
        for team in (every, some, denied)
    ]
    assert listed == [["/fixed", "/svc"], ["/svc"], ["/fixed"]]
    shown = (await desk.get(f"{PATH}/team/{every['team_id']}"))["endpoints"]
    one = {"endpoint_id": shown[1]["id"]}
    for team, paths in ((every, ["/svc"]), (denied, [])):
        chosen = await desk.ask("GET", f"{PATH}/team/{team['team_id']}", params=one)
        assert [found["path"] for found in chosen.json()["endpoints"]] == paths
    answer = await desk.ask("GET", f"{PATH}/team/{every['team_id']}", params={"endpoint_id": "nobody"})
    assert answer.status_code == 404
    assert (await desk.ask("GET", f"{PATH}/team/nobody")).status_code == 404


async def test_only_administrators_see_and_change_them(desk: Desk, live: LiveGateway, key: str) -> None:
    assert (await desk.ask("GET", PATH, key)).status_code == 401
    assert (await desk.ask("POST", PATH, key, json=body_of(live))).status_code == 401
    assert (await desk.ask("DELETE", PATH, key, params={"endpoint_id": "x"})).status_code == 401


async def test_plain_headers_that_litellm_stored_are_read(desk: Desk, live: LiveGateway, key: str) -> None:
    stored = {"pass_through_endpoints": [body_of(live, "/theirs", id="t")]}
    await desk.run(
        """INSERT INTO "LiteLLM_Config" (param_name, param_value) VALUES ('general_settings', $1::jsonb)""",
        json.dumps(stored),
    )
    (made,) = (await desk.post(PATH, body_of(live)))["endpoints"]
    await until_served(live, "/theirs")
    assert (await live.post("/theirs", key, {})).status_code == 200
    assert live.upstream.requests[-1].headers["authorization"] == SECRET
    assert {one["id"] for one in (await desk.get(PATH))["endpoints"]} == {"fixed", "t", made["id"]}
