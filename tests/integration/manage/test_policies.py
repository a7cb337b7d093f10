"""Policies of the database: made, attached, and changed by way of versions."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway, deployment, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


def words(name: str, word: str) -> dict[str, Any]:
    params = {"guardrail": "keywords", "mode": "pre_call", "blocked_words": [{"keyword": word}]}
    return {"guardrail_name": name, "litellm_params": params}


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(desk: Desk, live: LiveGateway) -> AsyncIterator[None]:
    live.configure(
        deployment("m", live.upstream),
        guardrails=[words("no-aurora", "aurora"), words("no-borealis", "borealis")],
        policies={"fixed": {"guardrails": {"add": ["no-aurora"]}}},
    )
    yield
    await desk.run('DELETE FROM "LiteLLM_PolicyTable"')
    await desk.run('DELETE FROM "LiteLLM_PolicyAttachmentTable"')
    live.gateway.parts.added.note_change()
    await eventually(lambda: not live.gateway.parts.added.current.policies)


async def until(live: LiveGateway, name: str, *guardrails: str) -> None:
    """Return when the gateway follows a policy that brings these guardrails."""

    def follows() -> bool:
        policy = live.gateway.snapshot.core.policies.policies.get(name)
        return policy is not None and policy.is_live and policy.guardrails == guardrails

    await eventually(follows)


async def says(live: LiveGateway, key: str, text: str) -> int:
    return (await live.chat(key, messages=[{"role": "user", "content": text}])).status_code


async def move(desk: Desk, policy_id: str, status: str) -> int:
    path = f"/policies/{policy_id}/status"
    return (await desk.ask("PUT", path, json={"version_status": status})).status_code


async def test_a_policy_of_the_database_lives(desk: Desk, live: LiveGateway) -> None:
    key = await live.make_key(key_alias="pol-live")
    made = await desk.post("/policies", {"policy_name": "p", "guardrails_add": ["no-aurora"]})
    assert (made["version_number"], made["version_status"]) == (1, "production")
    attached = await desk.post("/policies/attachments", {"policy_name": "p", "keys": ["pol-*"]})
    await until(live, "p", "no-aurora")
    await eventually(lambda: bool(live.gateway.snapshot.core.policies.attachments))
    assert await says(live, key, "an aurora") == 400
    assert (await desk.get("/policies/list"))["total_count"] == 2
    listed = (await desk.get("/policies/attachments/list"))["attachments"]
    assert [item["attachment_id"] for item in listed] == [attached["attachment_id"]]
    assert await desk.get(f"/policies/attachments/{attached['attachment_id']}") == attached

    answer = await desk.ask("DELETE", f"/policies/attachments/{attached['attachment_id']}")
    assert answer.status_code == 200
    await eventually(lambda: not live.gateway.snapshot.core.policies.attachments)
    assert await says(live, key, "an aurora") == 200
    entries = (await desk.get("/audit", object_id=attached["attachment_id"]))["audit_logs"]
    assert [entry["action"] for entry in entries] == ["deleted", "created"]


async def test_versions_go_from_draft_into_production(desk: Desk, live: LiveGateway) -> None:
    key = await live.make_key(policies=["p"])
    first = await desk.post("/policies", {"policy_name": "p", "guardrails_add": ["no-aurora"]})
    await until(live, "p", "no-aurora")
    draft = await desk.post("/policies/name/p/versions", {})
    assert (draft["version_number"], draft["parent_version_id"]) == (2, first["policy_id"])
    changed = await desk.ask(
        "PUT", f"/policies/{draft['policy_id']}", json={"guardrails_add": ["no-borealis"]}
    )
    assert changed.json()["guardrails_add"] == ["no-borealis"]
    assert await says(live, key, "a borealis") == 200

    differ = await desk.get("/policies/compare", version_a=first["policy_id"], version_b=draft["policy_id"])
    assert differ["field_diffs"]["guardrails_add"] == {
        "version_a": ["no-aurora"],
        "version_b": ["no-borealis"],
    }
    assert await move(desk, draft["policy_id"], "production") == 400
    assert await move(desk, draft["policy_id"], "published") == 200
    assert (await desk.ask("PUT", f"/policies/{draft['policy_id']}", json={})).status_code == 400
    assert await move(desk, draft["policy_id"], "production") == 200
    await until(live, "p", "no-borealis")
    assert await says(live, key, "a borealis") == 400
    assert await says(live, key, "an aurora") == 200

    shown = await desk.get("/policies/name/p/versions")
    assert [row["version_status"] for row in shown["versions"]] == ["production", "published"]
    assert [row["is_latest"] for row in shown["versions"]] == [True, False]
    published = await desk.get("/policies/list", version_status="published")
    assert [row["policy_id"] for row in published["policies"]] == [first["policy_id"]]

    assert await move(desk, draft["policy_id"], "published") == 200
    await eventually(lambda: not live.gateway.snapshot.core.policies.policies["p"].is_live)
    assert await says(live, key, "a borealis") == 200


async def test_parents_and_what_follows_from_them(desk: Desk) -> None:
    await desk.post("/policies", {"policy_name": "up", "inherit": "fixed"})
    child = await desk.post(
        "/policies",
        {"policy_name": "down", "inherit": "up", "guardrails_add": ["no-borealis"]},
    )
    path = f"/policies/{child['policy_id']}/resolved-guardrails"
    assert (await desk.get(path))["resolved_guardrails"] == ["no-aurora", "no-borealis"]
    up = (await desk.get("/policies/name/up/versions"))["versions"][0]
    assert (await desk.ask("DELETE", f"/policies/{up['policy_id']}")).status_code == 409
    assert await move(desk, up["policy_id"], "published") == 409
    draft = await desk.post("/policies/name/up/versions", {})
    answer = await desk.ask("PUT", f"/policies/{draft['policy_id']}", json={"inherit": "down"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "inherit")


async def test_the_last_version_takes_its_attachments_along(desk: Desk) -> None:
    made = await desk.post("/policies", {"policy_name": "p"})
    draft = await desk.post("/policies/name/p/versions", {"source_policy_id": made["policy_id"]})
    await desk.post("/policies/attachments", {"policy_name": "p", "scope": "*"})
    assert (await desk.ask("DELETE", f"/policies/{draft['policy_id']}")).status_code == 200
    assert (await desk.get(f"/policies/{made['policy_id']}"))["is_latest"] is True
    assert (await desk.ask("DELETE", f"/policies/{made['policy_id']}")).status_code == 200
    assert (await desk.get("/policies/attachments/list"))["total_count"] == 0
    await desk.post("/policies", {"policy_name": "p"})
    answer = await desk.ask("DELETE", "/policies/name/p/all-versions")
    assert answer.json()["message"].startswith("All 1 versions")
    assert (await desk.ask("GET", "/policies/name/p/versions")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"policy_name": "fixed"}, 409, "policy_name"),
        ({"policy_name": ""}, 400, "policy_name"),
        ({"policy_name": "a\nb"}, 400, "policy_name"),
        ({"policy_name": "a/b"}, 400, "policy_name"),
        ({"policy_name": "p", "guardrails_add": ["nobody"]}, 400, "guardrails_add"),
        ({"policy_name": "p", "inherit": "nobody"}, 400, "inherit"),
        ({"policy_name": "p", "inherit": "p"}, 400, "inherit"),
        ({"policy_name": "p", "condition": {"model": "(a+)+"}}, 400, "policy.condition.model"),
        ({"policy_name": "p", "condition": {"region": "eu"}}, 400, "policy.condition.region"),
        ({"policy_name": "p", "pipeline": {"steps": [{"guardrail": "no"}]}}, 400, "guardrails_add"),
        ({"policy_name": "p", "pipeline": {"mode": "never"}}, 400, "policy.pipeline.mode"),
        ({}, 422, None),
    ],
)
async def test_what_cannot_be_a_policy(desk: Desk, body: object, status: int, param: str | None) -> None:
    answer = await desk.ask("POST", "/policies", json=body)
    assert answer.status_code == status, answer.text
    if param is not None:
        assert answer.json()["error"]["param"] == param
    assert await desk.value('SELECT count(*) FROM "LiteLLM_PolicyTable"') == 0


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"policy_name": "nobody", "scope": "*"}, "policy_name"),
        ({"policy_name": "fixed"}, "attachment"),
        ({"policy_name": "fixed", "scope": "all"}, "attachment.scope"),
        ({"policy_name": "fixed", "tags": ["a|b"]}, "attachment.tags"),
        ({"policy_name": "fixed", "scope": "*", "priority": -1}, "attachment.priority"),
    ],
)
async def test_what_cannot_be_an_attachment(desk: Desk, body: object, param: str) -> None:
    status, _, told = await desk.refusal("/policies/attachments", body)
    assert (status, told) == (400, param)
    assert await desk.value('SELECT count(*) FROM "LiteLLM_PolicyAttachmentTable"') == 0


async def test_unknown_ids_and_callers_without_right(desk: Desk, live: LiveGateway) -> None:
    key = await live.make_key()
    for method, path, body in (
        ("GET", "/policies/none", None),
        ("PUT", "/policies/none", {}),
        ("DELETE", "/policies/none", None),
        ("PUT", "/policies/none/status", {"version_status": "published"}),
        ("GET", "/policies/none/resolved-guardrails", None),
        ("GET", "/policies/name/none/versions", None),
        ("POST", "/policies/name/none/versions", {}),
        ("DELETE", "/policies/name/none/all-versions", None),
        ("GET", "/policies/attachments/none", None),
        ("DELETE", "/policies/attachments/none", None),
    ):
        answer = await desk.ask(method, path, json=body)
        assert answer.status_code == 404, (path, answer.text)
        assert (await desk.ask(method, path, key, json=body)).status_code == 401


async def test_pages_and_statements(desk: Desk, unique: Callable[[str], str]) -> None:
    for name in ("a", "b", "c"):
        await desk.post("/policies", {"policy_name": unique(name)})
    answer = await desk.ask("GET", "/policies/list", params={"limit": 2})
    assert [row["definition_location"] for row in answer.json()["policies"]] == ["config", "db", "db"]
    after = answer.headers["x-gatewright-next"]
    rest = await desk.get("/policies/list", limit=2, after=after)
    assert (len(rest["policies"]), rest["total_count"]) == (1, 4)
    assert await statements(desk, "GET", "/policies/list") == 3
    assert await statements(desk, "GET", "/policies/attachments/list") == 2
    made = {"policy_name": unique("d"), "guardrails_add": ["no-aurora"]}
    assert await statements(desk, "POST", "/policies", json=made) <= 9


async def test_an_organizations_administrator_sees_what_is_nobodys(desk: Desk) -> None:
    user, key = await desk.make_user()
    await desk.make_organization(user)
    await desk.run('UPDATE "LiteLLM_UserTable" SET user_role = $2 WHERE user_id = $1', user, "org_admin")
    desk.live.gateway.parts.principals.clear()
    await desk.post("/policies/attachments", {"policy_name": "fixed", "teams": ["secret-team"]})
    await desk.post("/policies/attachments", {"policy_name": "fixed", "tags": ["t"]})
    shown = await desk.get("/policies/attachments/list", key=key)
    assert [item["tags"] for item in shown["attachments"]] == [["t"]]
    assert shown["total_count"] == 1
