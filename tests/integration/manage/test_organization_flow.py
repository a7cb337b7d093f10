"""A company as its operator and its own administrators run it, from its founding to its end."""

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_company_is_run_by_its_own_administrators(desk: Desk, live: LiveGateway, unique, at_once):
    # The operator founds it, and names who runs it.
    company = await desk.post("/organization/new", {"organization_alias": "Acme", "max_budget": 10})
    organization = company["organization_id"]
    ada_mail, bob = f"{unique('ada')}@example.com", unique("bob")
    member = {"user_email": ada_mail, "role": "org_admin"}
    added = await desk.post("/organization/member_add", {"organization_id": organization, "member": member})
    [ada] = [user["user_id"] for user in added["updated_users"]]
    ada_key = await live.make_key(user_id=ada)

    # She makes a team within the company's budget, with somebody to run it.
    team = {"organization_id": organization, "members_with_roles": [{"user_id": bob, "role": "admin"}]}
    too_much = await desk.refusal("/team/new", team | {"max_budget": 11}, ada_key)
    assert too_much[::2] == (400, "max_budget")
    team_id = (await desk.post("/team/new", team | {"max_budget": 5}, ada_key))["team_id"]

    # He makes a project in it, and a key for the project's service.
    bob_key = await live.make_key(user_id=bob)
    project = await desk.post("/project/new", {"team_id": team_id, "project_alias": "Search"}, bob_key)
    project_id = project["project_id"]
    service = await live.make_key(team_id=team_id, project_id=project_id, user_id=bob)
    assert (await live.chat(service)).status_code == 200
    [row] = await live.rows(service)

    # All of them see what it cost, where it belongs to them.
    shown = await desk.get("/organization/info", ada_key, organization_id=organization)
    assert shown["spend"] == pytest.approx(row.spend)
    assert [team["spend"] for team in shown["teams"]] == pytest.approx([row.spend])
    assert (await desk.get("/project/info", bob_key, project_id=project_id))["spend"] == pytest.approx(
        row.spend
    )
    await desk.get("/organization/info", bob_key, 403, organization_id=organization)

    # What the company may spend is the operator's to say; it holds at once for everything below.
    body = {"organization_id": organization, "max_budget": 0}
    answer = await desk.ask("PATCH", "/organization/update", ada_key, json=body)
    assert answer.status_code == 401
    assert (await desk.ask("PATCH", "/organization/update", json=body)).status_code == 200
    await at_once(lambda: live.chat(service), 422)
    await desk.ask("PATCH", "/organization/update", json=body | {"max_budget": 20})
    await at_once(lambda: live.chat(service), 200)

    # He stops his project, and she his team.
    await desk.post("/project/update", {"project_id": project_id, "blocked": True}, bob_key)
    await at_once(lambda: live.chat(service), 401)
    await desk.post("/project/update", {"project_id": project_id, "blocked": False}, bob_key)
    await desk.post("/team/block", {"team_id": team_id}, ada_key)
    await at_once(lambda: live.chat(service), 401)
    await desk.post("/team/unblock", {"team_id": team_id}, ada_key)
    await at_once(lambda: live.chat(service), 200)

    # In the end everything of it goes, and its people stay.
    gone = await desk.ask("DELETE", "/organization/delete", json={"organization_ids": [organization]})
    assert [team["team_id"] for team in gone.json()[0]["teams"]] == [team_id]
    await at_once(lambda: live.chat(service), 401)
    assert (await live.chat(bob_key)).status_code == 200
    archived = await desk.ask("GET", "/key/info", params={"key": hash_token(service)})
    assert archived.json()["info"]["status"] == "deleted"
    await desk.get("/project/info", status=404, project_id=project_id)
    assert await desk.get("/organization/list", ada_key) == []
    await live.rows()
    assert await desk.unbalanced(organization, team_id) == []
    entries = await desk.get("/audit", object_id=organization)
    assert {entry["action"] for entry in entries["audit_logs"]} == {"created", "updated", "deleted"}
