"""Guardrails that teams submit: who may, what may be in them, and that nothing runs before its approval."""

import secrets
from typing import Any

import pytest

from gateway.catalog.added_source import AddedSource
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway, deployment, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = {"guardrail": "keywords", "mode": "pre_call", "blocked_words": [{"keyword": "zeppelin"}]}
SERVICE = {"guardrail": "generic_guardrail_api", "mode": "pre_call", "api_base": "https://guard.example.com"}
CONFIGURED = [{"guardrail_name": "words", "litellm_params": WORDS}]
ASKED = {"messages": [{"role": "user", "content": "a zeppelin"}]}


@pytest.fixture(autouse=True)
def configured(live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), guardrails=CONFIGURED)


class Team:
    """A team, a key of one of its members, and a key of its own."""

    def __init__(self, team_id: str, user_id: str, member: str, own: str) -> None:
        self.id = team_id
        self.user_id = user_id
        self.member = member
        self.own = own


async def make_team(desk: Desk) -> Team:
    user_id, key = await desk.make_user()
    members = [{"role": "user", "user_id": user_id}]
    made = await desk.post("/team/new", {"members_with_roles": members})
    own = await desk.live.make_key(team_id=made["team_id"])
    return Team(made["team_id"], user_id, key, own)


def body_of(name: str, team_id: str | None = None, **params: object) -> dict[str, Any]:
    return {"guardrail_name": name, "litellm_params": {**WORDS, **params}, "team_id": team_id}


def unique() -> str:
    return f"g-{secrets.token_hex(4)}"


async def test_nothing_runs_before_its_approval(desk: Desk, live: LiveGateway) -> None:
    team, name = await make_team(desk), unique()
    made = await desk.post("/guardrails/register", body_of(name, team.id), team.member)
    assert (made["guardrail_name"], made["status"]) == (name, "pending_review")
    identifier = made["guardrail_id"]
    added = AddedSource(live.gateway.parts.database, live.gateway.parts.added.seal)
    await added.refresh({})
    assert name not in {item.row.guardrail_name for item in added.current.guardrails}
    unknown = await live.chat(team.own, **ASKED, guardrails=[name])
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (400, "guardrails")
    assert (await desk.ask("GET", f"/guardrails/{identifier}")).status_code == 404

    shown = await desk.get(f"/guardrails/submissions/{identifier}", team.own)
    assert (shown["submitted_by_user_id"], shown["team_id"]) == (team.user_id, team.id)
    assert shown["litellm_params"] == WORDS
    answer = await desk.post(f"/guardrails/submissions/{identifier}/approve", None)
    assert answer["status"] == "active"
    await eventually(lambda: name in str(live.gateway.snapshot.core.guardrails))
    refused = await live.chat(team.own, **ASKED, guardrails=[name])
    assert (refused.status_code, refused.json()["error"]["guardrail"]) == (400, name)
    listed = await desk.get("/guardrails/list", team.own)
    assert team.user_id not in str(listed)
    entries = (await desk.get("/audit", object_id=identifier))["audit_logs"]
    assert [entry["action"] for entry in entries] == ["updated", "created"]
    for decision in ("approve", "reject"):
        again = await desk.ask("POST", f"/guardrails/submissions/{identifier}/{decision}")
        assert again.status_code == 409
    assert (await desk.ask("DELETE", f"/guardrails/{identifier}")).status_code == 200


async def test_what_was_rejected_is_submitted_again_by_its_team_alone(desk: Desk) -> None:
    team, other, name = await make_team(desk), await make_team(desk), unique()
    sent = body_of(name)
    identifier = (await desk.post("/guardrails/register", sent, team.own))["guardrail_id"]
    assert (await desk.ask("POST", "/guardrails/register", team.own, json=sent)).status_code == 409
    rejected = await desk.post(f"/guardrails/submissions/{identifier}/reject", None)
    assert rejected["status"] == "rejected"
    assert (await desk.ask("POST", "/guardrails/register", other.own, json=sent)).status_code == 409
    again = await desk.post("/guardrails/register", sent, team.own)
    assert (again["guardrail_id"], again["status"]) == (identifier, "pending_review")
    assert (await desk.get(f"/guardrails/submissions/{identifier}"))["reviewed_at"] is None
    assert (await desk.ask("DELETE", f"/guardrails/{identifier}")).status_code == 200


async def test_only_members_submit_and_only_their_teams_see_it(desk: Desk, live: LiveGateway) -> None:
    team, other = await make_team(desk), await make_team(desk)
    _, viewer = await desk.make_user("internal_user_viewer", team_id=team.id)
    for key, sent, status in (
        (other.member, body_of(unique(), team.id), 404),
        (other.own, body_of(unique(), team.id), 404),
        (other.member, body_of(unique(), "no-such-team"), 404),
        (viewer, body_of(unique(), team.id), 403),
        (await live.make_key(), body_of(unique()), 400),
    ):
        assert (await desk.ask("POST", "/guardrails/register", key, json=sent)).status_code == status, sent
    name = unique()
    made = await desk.post("/guardrails/register", body_of(name, team.id), team.member)
    path = f"/guardrails/submissions/{made['guardrail_id']}"
    assert (await desk.ask("GET", path, other.member)).status_code == 404
    for decision in ("approve", "reject"):
        assert (await desk.ask("POST", f"{path}/{decision}", team.member)).status_code == 401
    for key in (team.member, team.own):
        page = await desk.get("/guardrails/submissions", key)
        assert [item["guardrail_name"] for item in page["submissions"]] == [name]
        assert page["summary"] == {"total": 1, "pending_review": 1, "active": 0, "rejected": 0}
    for key in (other.member, other.own):
        assert (await desk.get("/guardrails/submissions", key))["submissions"] == []
    path = "/guardrails/submissions"
    found = await desk.ask("GET", f"{path}?search={name.upper()}&status=pending_review")
    assert [item["guardrail_id"] for item in found.json()["submissions"]] == [made["guardrail_id"]]
    found = await desk.ask("GET", f"{path}?team_id={team.id}&status=active")
    assert found.json()["submissions"] == []
    assert (await desk.ask("GET", "/guardrails/submissions?status=other")).status_code == 422


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"api_key": "hush-hush-hush"}, "litellm_params.api_key"),
        ({"headers": {"authorization": "Bearer hush-hush-hush"}}, "litellm_params.headers"),
        ({"api_base": "os.environ/SOME_ADDRESS"}, "litellm_params.api_base"),
        ({"additional_provider_specific_params": {"a": ["os.environ/HOME"]}}, None),
        ({"api_base": "http://127.0.0.1:9"}, "litellm_params.api_base"),
        ({"api_base": "http://169.254.169.254"}, "litellm_params.api_base"),
        ({"api_base": "http://metadata.internal"}, "litellm_params.api_base"),
        ({"default_on": True}, "litellm_params.default_on"),
        ({"guardrail": "openai_moderation", "api_base": None}, None),
        ({"guardrail": "secret_detection"}, None),
        ({"mode": "never"}, "guardrail.litellm_params.mode"),
        ({"additional_provider_specific_params": {"a": "x" * 70_000}}, "litellm_params"),
    ],
)
async def test_what_may_not_be_submitted(desk: Desk, params: dict[str, object], param: str | None) -> None:
    team = await make_team(desk)
    sent = {"guardrail_name": unique(), "litellm_params": {**SERVICE, **params}}
    answer = await desk.ask("POST", "/guardrails/register", team.own, json=sent)
    assert answer.status_code == 400, answer.text
    if param is not None:
        assert answer.json()["error"]["param"] == param
    assert (await desk.get("/guardrails/submissions", team.own))["submissions"] == []


async def test_a_service_is_submitted_and_a_name_of_the_configuration_is_not(desk: Desk) -> None:
    team, name = await make_team(desk), unique()
    sent = {"guardrail_name": name, "litellm_params": SERVICE, "guardrail_info": {"why": "safety"}}
    made = await desk.post("/guardrails/register", sent, team.own)
    shown = await desk.get(f"/guardrails/submissions/{made['guardrail_id']}")
    assert (shown["litellm_params"], shown["guardrail_info"]) == (SERVICE, {"why": "safety"})
    taken = await desk.ask("POST", "/guardrails/register", team.own, json=body_of("words"))
    assert taken.status_code == 409
    posing = {**sent, "guardrail_name": unique(), "guardrail_info": {"gatewright_submitter": {}}}
    assert (await desk.ask("POST", "/guardrails/register", team.own, json=posing)).status_code == 400


async def test_a_team_has_so_many_waiting_submissions(desk: Desk) -> None:
    team = await make_team(desk)
    insert = """
        INSERT INTO "LiteLLM_GuardrailsTable"
            (guardrail_id, guardrail_name, litellm_params, updated_at, status, team_id, submitted_at)
        SELECT $1 || n, $1 || n, '{}', now(), 'pending_review', $1, now() FROM generate_series(1, 20) n"""
    await desk.run(insert, team.id)
    answer = await desk.ask("POST", "/guardrails/register", team.own, json=body_of(unique()))
    assert answer.status_code == 409
    page = await desk.get("/guardrails/submissions", team.own, page=2, page_size=15)
    assert (len(page["submissions"]), page["summary"]["total"]) == (5, 20)
    listing = await statements(desk, "GET", f"/guardrails/submissions?team_id={team.id}")
    assert listing == 3
    await desk.run('DELETE FROM "LiteLLM_GuardrailsTable" WHERE team_id = $1', team.id)


async def test_without_stored_models_nothing_is_submitted_or_approved(desk: Desk, live: LiveGateway) -> None:
    live.configure(deployment("m", live.upstream), general_settings={"store_model_in_db": False})
    for path in ("/guardrails/register", "/guardrails/submissions/some/approve"):
        answer = await desk.ask("POST", path, json=body_of(unique(), "t"))
        assert answer.status_code == 400
        assert "store_model_in_db" in answer.text
