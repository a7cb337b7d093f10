"""MCP servers that users submit: what may be in them, and that nothing is served before its approval."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.counting import heard
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.manage.mcp_serving import (
    SERVERS,
    TOKEN,
    body_of,
    call,
    emptied,
    make,
    unique,
    until_served,
)
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment, eventually
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

REGISTER, SUBMISSIONS = f"{SERVERS}/register", f"{SERVERS}/submissions"


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway) -> AsyncIterator[None]:
    live.configure(deployment("m", live.upstream), mcp_servers={})
    async with emptied(live):
        yield


def submission(**members: object) -> dict[str, Any]:
    given = {"auth_type": "bearer_token", "credentials": {"auth_value": TOKEN}}
    return {"server_name": unique(), "url": "https://mcp.example.com/mcp", **given, **members}


def status_of(entry: Any) -> tuple[str | None, str | None]:
    """Before and after, as the audit trail tells it."""
    told = (entry[name] or {} for name in ("before_value", "updated_values"))
    before, after = (one.get("approval_status") for one in told)
    return before, after


async def test_nothing_is_served_before_its_approval(desk: Desk) -> None:
    (user, key), (_, other) = await desk.make_user(), await desk.make_user()
    made = await desk.post(REGISTER, submission(), key, status=201)
    identifier = made["server_id"]
    assert (made["approval_status"], made["submitted_by"]) == ("pending_review", user)
    assert made["credentials"] == {"auth_value": "*****"}
    assert (await call(desk, key, identifier)).status_code == 404
    assert identifier not in str(await desk.get(SERVERS))
    assert (await desk.ask("GET", f"{SERVERS}/{identifier}", key)).status_code == 404
    assert (await desk.get(SUBMISSIONS, other))["items"] == []
    for asker in (key, MASTER_KEY):
        found = await desk.get(SUBMISSIONS, asker)
        assert [one["server_id"] for one in found["items"]] == [identifier]
        assert (found["total"], found["pending_review"]) == (1, 1)
    for decision in ("approve", "reject"):
        assert (await desk.ask("PUT", f"{SERVERS}/{identifier}/{decision}", key, json={})).status_code == 401

    approved = await desk.ask("PUT", f"{SERVERS}/{identifier}/approve")
    assert approved.json()["approval_status"] == "active", approved.text
    await until_served(desk, identifier)
    assert desk.live.gateway.parts.added.current.mcp.servers[0].submitter == user
    held = await desk.live.make_key(user_id=user, object_permission={"mcp_servers": ["elsewhere"]})
    assert await desk.get(SERVERS, held) == []
    assert (await desk.get(SERVERS, other))[0]["server_id"] == identifier
    for decision in ("approve", "reject"):
        assert (await desk.ask("PUT", f"{SERVERS}/{identifier}/{decision}", json={})).status_code == 409
    entries = (await desk.get("/audit", object_id=identifier))["audit_logs"]
    assert [entry["action"] for entry in entries] == ["updated", "created"]
    (before, after), made = status_of(entries[0]), status_of(entries[1])[1]
    assert (before, after, made) == ("pending_review", "active", "pending_review")
    assert entries[1]["changed_by"] == user
    assert entries[0]["changed_by"] != user
    assert TOKEN not in str(entries)


async def test_what_is_rejected_says_why(desk: Desk) -> None:
    _, key = await desk.make_user()
    identifier = (await desk.post(REGISTER, submission(), key, status=201))["server_id"]
    rejected = await desk.ask("PUT", f"{SERVERS}/{identifier}/reject", json={"review_notes": "Not ours."})
    assert rejected.json()["review_notes"] == "Not ours."
    (own,) = (await desk.get(SUBMISSIONS, key))["items"]
    assert (own["approval_status"], own["review_notes"]) == ("rejected", "Not ours.")
    (entry, _) = (await desk.get("/audit", object_id=identifier))["audit_logs"]
    assert status_of(entry) == ("pending_review", "rejected")
    assert entry["updated_values"]["review_notes"] == "Not ours."
    assert (await desk.ask("DELETE", f"{SERVERS}/{identifier}")).status_code == 202
    assert (await desk.ask("PUT", f"{SERVERS}/{identifier}/approve")).status_code == 404


async def test_what_users_may_not_submit_is_refused(desk: Desk) -> None:
    _, key = await desk.make_user()
    _, viewer = await desk.make_user("internal_user_viewer")
    for asker, members, status, param in (
        (key, {"url": "http://127.0.0.1/mcp"}, 400, "url"),
        (key, {"url": "http://inner.local/mcp"}, 400, "url"),
        (key, {"transport": "stdio", "command": "sh"}, 400, "command"),
        (key, {"transport": "stdio"}, 400, "transport"),
        (key, {"allow_all_keys": True}, 400, "allow_all_keys"),
        (key, {"mcp_access_groups": ["all"]}, 400, "mcp_access_groups"),
        (key, {"auth_type": "true_passthrough"}, 400, "auth_type"),
        (key, {"auth_type": "aws_sigv4", "credentials": {"aws_region_name": "eu-west-1"}}, 400, "mcp_server"),
        (key, {"credentials": {"auth_value": "os.environ/HOME"}}, 400, "credentials.auth_value"),
        (key, {"spec_path": "/etc/passwd"}, 400, "spec_path"),
        (viewer, {}, 403, None),
        (await desk.live.make_key(), {}, 403, None),
    ):
        answer = await desk.ask("POST", REGISTER, asker, json=submission(**members))
        assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text
    first = submission(available_on_public_internet=True, allow_all_keys=False, args=[])
    await desk.post(REGISTER, first, key, status=201)
    assert (await desk.ask("POST", REGISTER, key, json=first)).status_code == 409
    waiting = (await desk.get(SUBMISSIONS, key))["items"][0]["server_id"]
    await desk.post(SERVERS, first, status=201)
    assert (await desk.ask("PUT", f"{SERVERS}/{waiting}/approve")).status_code == 409


async def test_what_the_operator_demands_of_submissions_is_named_together(desk: Desk) -> None:
    _, key = await desk.make_user()
    required = ["source_url", "description", "credentials", "allowed_tools"]
    desk.live.configure(
        deployment("m", desk.live.upstream),
        mcp_servers={},
        general_settings={"disable_reset_budget": True, "mcp_required_fields": required},
    )
    lacking = {"description": " ", "credentials": {}, "allowed_tools": []}
    for asker, members, names in (
        (key, {}, ("source_url", "description", "allowed_tools")),
        (key, lacking, required),
        (
            key,
            {"source_url": "https://a.example", "description": None, "allowed_tools": ["x"]},
            required[1:2],
        ),
        (MASTER_KEY, {}, ("source_url", "description", "allowed_tools")),
    ):
        answer = await desk.ask("POST", REGISTER, asker, json=submission(**members))
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (400, names[0]), answer.text
        assert error["message"].endswith(f"missing: {', '.join(map(repr, names))}.")
    whole = {"source_url": "https://a.example", "description": "Tickets", "allowed_tools": ["x"]}
    await desk.post(REGISTER, submission(**whole), key, status=201)
    # Administrators add what they like.
    await desk.post(SERVERS, submission(), status=201)


async def test_an_approved_submission_leads_to_no_private_network(desk: Desk) -> None:
    """Its name may resolve to anything once it is approved."""
    async with McpFixture() as server:
        made = await make(desk, body_of(server, unique()))
        key = await desk.live.make_key()
        assert (await call(desk, key, made["server_id"])).status_code == 200
        await desk.run(
            'UPDATE "LiteLLM_MCPServerTable" SET submitted_at = now(), submitted_by = $1', "somebody"
        )
        desk.live.gateway.parts.added.note_change()
        shelf = desk.live.gateway.parts.added
        await eventually(lambda: shelf.current.mcp.servers[0].is_tenants)
        refused = await call(desk, key, made["server_id"])
        assert "does not lead to a public host" in refused.text
        assert len(server.calls) == 1


async def test_the_statements_are_counted(desk: Desk) -> None:
    _, key = await desk.make_user("proxy_admin")
    ids = [unique(), unique()]
    await heard(desk.live)
    await desk.get(SUBMISSIONS, key)
    found = [await statements(desk, "POST", REGISTER, key=key, json=submission(server_id=one)) for one in ids]
    assert found == [5, 5]
    assert await statements(desk, "GET", SUBMISSIONS) == 2
    assert await statements(desk, "PUT", f"{SERVERS}/{ids[0]}/approve") == 6
    assert await statements(desk, "PUT", f"{SERVERS}/{ids[1]}/reject", json={}) == 3
