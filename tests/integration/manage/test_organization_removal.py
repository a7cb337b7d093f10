"""Deleting organizations through the running app: what goes, what stays, and how soon."""

import asyncio

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import MASTER_KEY, LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEFAULT = {"organization_alias": "O", "max_budget": 5, "object_permission": {"vector_stores": ["v"]}}


async def remove(desk: Desk, *ids: str, key: str = MASTER_KEY, status: int = 200):
    answer = await desk.ask("DELETE", "/organization/delete", key, json={"organization_ids": ids})
    assert answer.status_code == status, answer.text
    return answer.json()


class Company:
    """An organization with everything below it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def found(self) -> "Company":
        desk, live = self.desk, self.desk.live
        self.row = await desk.post("/organization/new", DEFAULT)
        self.id = self.row["organization_id"]
        self.user, self.own_key = await desk.make_user()
        member = {"organization_id": self.id, "member": {"user_id": self.user, "role": "org_admin"}}
        added = await desk.post("/organization/member_add", member | {"max_budget_in_organization": 1})
        self.member_budget = added["updated_organization_memberships"][0]["budget_id"]
        self.group = await self._make_group()
        team = {
            "organization_id": self.id,
            "access_group_ids": [self.group],
            "members_with_roles": [{"user_id": self.user, "role": "user"}],
            "team_member_budget": 1,
        }
        made = await desk.post("/team/new", team)
        self.team, self.team_budget = made["team_id"], made["metadata"]["team_member_budget_id"]
        self.project = (await desk.post("/project/new", {"team_id": self.team, "max_budget": 1}))[
            "project_id"
        ]
        self.keys = [
            await live.make_key(organization_id=self.id, access_group_ids=[self.group]),
            await live.make_key(team_id=self.team, user_id=self.user),
            await live.make_key(team_id=self.team, project_id=self.project),
            await live.make_key(project_id=self.project),
        ]
        return self

    async def _make_group(self) -> str:
        group = f"group-{self.id}"
        await self.desk.run(
            """INSERT INTO "LiteLLM_AccessGroupTable" (access_group_id, access_group_name, updated_at)
               VALUES ($1, $1, now())""",
            group,
        )
        return group

    async def count(self, table: str, column: str, value: str) -> int:
        return await self.desk.value(f'SELECT count(*) FROM "{table}" WHERE {column} = $1', value)


async def test_an_organization_with_nothing_below_it_is_deleted(desk: Desk) -> None:
    made = await desk.post("/organization/new", {"organization_alias": "Empty", "max_budget": 5})

    (gone,) = await remove(desk, made["organization_id"])

    assert gone["organization_id"] == made["organization_id"]
    await remove(desk, made["organization_id"], status=404)


async def test_everything_below_it_goes_and_nothing_is_left_over(desk: Desk):
    company = await Company(desk).found()
    [gone] = await remove(desk, company.id)
    assert gone["organization_id"] == company.id
    assert [member["user_id"] for member in gone["members"]] == [company.user]
    assert [team["team_id"] for team in gone["teams"]] == [company.team]
    for table, column, value in (
        ("LiteLLM_OrganizationTable", "organization_id", company.id),
        ("LiteLLM_OrganizationMembership", "organization_id", company.id),
        ("LiteLLM_TeamTable", "team_id", company.team),
        ("LiteLLM_TeamMembership", "team_id", company.team),
        ("LiteLLM_ProjectTable", "project_id", company.project),
        ("LiteLLM_VerificationToken", "team_id", company.team),
        ("LiteLLM_VerificationToken", "organization_id", company.id),
        ("LiteLLM_ObjectPermissionTable", "object_permission_id", company.row["object_permission_id"]),
        ("LiteLLM_BudgetTable", "budget_id", company.member_budget),
        ("LiteLLM_BudgetTable", "budget_id", company.team_budget),
    ):
        assert await company.count(table, column, value) == 0, table
    group = 'FROM "LiteLLM_AccessGroupTable" WHERE access_group_id = $1'
    assert await desk.value(f"SELECT assigned_team_ids {group}", company.group) == []
    assert await desk.value(f"SELECT assigned_key_ids {group}", company.group) == []
    user = (await desk.get("/user/info", user_id=company.user))["user_info"]
    assert user["teams"] == []
    # A budget row is something of its own.
    assert len(await desk.post("/budget/info", {"budgets": [company.row["budget_id"]]})) == 1


async def test_keys_and_teams_are_in_the_archives_and_in_the_audit_trail(desk: Desk):
    company = await Company(desk).found()
    headers = {"litellm-changed-by": "the auditor", "authorization": f"Bearer {MASTER_KEY}"}
    body = {"organization_ids": [company.id]}
    answer = await desk.live.http.request("DELETE", "/organization/delete", headers=headers, json=body)
    assert answer.status_code == 200
    by = 'SELECT litellm_changed_by FROM "LiteLLM_DeletedVerificationToken" WHERE token = $1'
    for key in company.keys:
        assert await desk.value(by, hash_token(key)) == "the auditor"
    assert await company.count("LiteLLM_DeletedTeamTable", "team_id", company.team) == 1
    sql = """SELECT count(*) FROM "LiteLLM_AuditLog" WHERE object_id = $1 AND action = 'deleted'"""
    ids = [company.id, company.team, company.project, f"{company.user}:{company.id}"]
    for object_id in (*ids, *map(hash_token, company.keys)):
        assert await desk.value(sql, object_id) == 1


async def test_its_keys_stop_at_once_and_others_go_on(desk: Desk, live: LiveGateway, at_once):
    company, other = await Company(desk).found(), await Company(desk).found()
    for key in (*company.keys, *other.keys, company.own_key):
        assert (await live.chat(key)).status_code == 200
    await remove(desk, company.id)
    for key in company.keys:
        await at_once(lambda key=key: live.chat(key), 401)
    for key in (*other.keys, company.own_key):
        assert (await live.chat(key)).status_code == 200
    refused = await desk.ask(
        "GET", "/organization/info", company.own_key, params={"organization_id": company.id}
    )
    assert refused.status_code == 403
    await live.rows()
    assert await desk.unbalanced(company.id, other.id, hash_token(company.own_key)) == []


async def test_all_or_none(desk: Desk):
    company = await Company(desk).found()
    refused = await remove(desk, company.id, "none", status=404)
    assert "none" in refused["detail"]["error"]
    assert company.id not in refused["detail"]["error"]
    await desk.get("/organization/info", organization_id=company.id)
    await remove(desk, status=400)
    await remove(desk, "", status=400)
    answer = await desk.ask("DELETE", "/organization/delete", json={})
    assert answer.status_code == 422


async def test_it_is_a_proxy_admins(desk: Desk):
    company = await Company(desk).found()
    callers = [
        company.own_key,
        company.keys[0],
        (await desk.make_user("proxy_admin_viewer"))[1],
        (await desk.make_user("internal_user_viewer"))[1],
    ]
    for key in callers:
        await remove(desk, company.id, key=key, status=401)
    await remove(desk, company.id)


async def test_teams_and_members_who_come_at_the_same_time_leave_nothing_behind(desk: Desk, unique):
    company = await Company(desk).found()
    users = [unique("user") for _ in range(4)]

    async def enter(user_id: str) -> None:
        member = {"organization_id": company.id, "member": {"user_id": user_id, "role": "internal_user"}}
        answer = await desk.ask("POST", "/organization/member_add", json=member)
        assert answer.status_code in {200, 404}, answer.text
        answer = await desk.ask("POST", "/team/new", json={"organization_id": company.id})
        assert answer.status_code in {200, 400}, answer.text

    await asyncio.gather(
        *(enter(user_id) for user_id in users[:2]), remove(desk, company.id), *map(enter, users[2:])
    )
    for table in ("LiteLLM_OrganizationMembership", "LiteLLM_TeamTable"):
        assert await company.count(table, "organization_id", company.id) == 0
    # A team that had been made before is in the archive, and none is without its organization.
    assert await company.count("LiteLLM_OrganizationTable", "organization_id", company.id) == 0


async def test_keys_that_are_made_at_the_same_time_leave_nothing_behind(desk: Desk):
    company = await Company(desk).found()
    team_admin, admin_key = await desk.make_user()
    member = {"user_id": team_admin, "role": "admin"}
    await desk.post("/team/member_add", {"team_id": company.team, "member": member})
    owners = [{"organization_id": company.id}, {"project_id": company.project}]

    async def make(body: dict, key: str = MASTER_KEY) -> None:
        answer = await desk.ask("POST", "/key/generate", key, json=body)
        assert answer.status_code in {200, 400, 404}, answer.text

    early = [make(body) for body in owners] + [make({"team_id": company.team}, admin_key)]
    late = [make(body) for body in owners * 3] + [make({"team_id": company.team}, admin_key)]
    await asyncio.gather(*early, remove(desk, company.id), *late)
    for column, value in (
        ("organization_id", company.id),
        ("team_id", company.team),
        ("project_id", company.project),
    ):
        assert await company.count("LiteLLM_VerificationToken", column, value) == 0


async def test_a_key_that_waits_for_a_deletion_is_refused(desk: Desk):
    made = await desk.post("/organization/new", {"organization_alias": "O"})
    organization = made["organization_id"]
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with desk.live.gateway.parts.database.transaction():
        await desk.run('DELETE FROM "LiteLLM_OrganizationTable" WHERE organization_id = $1', organization)
        body = {"organization_id": organization}
        asked = asyncio.create_task(desk.ask("POST", "/key/generate", json=body))
        async with asyncio.timeout(30):
            # The database tells nobody who waits.
            while await desk.value(waiting) == 0 and not asked.done():  # noqa: ASYNC110  there is no event
                await asyncio.sleep(0.01)
        assert not asked.done()
    answer = await asked
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "organization_id")


async def test_an_organization_can_go_while_it_is_used(desk: Desk, live: LiveGateway):
    company = await Company(desk).found()
    keys = [*company.keys, *[await live.make_key(team_id=company.team) for _ in range(4)]]
    drain, done = live.gateway.parts.drain, asyncio.Event()

    async def use(key: str) -> set[int]:
        seen = set()
        while not done.is_set():
            seen.add((await live.chat(key)).status_code)
        return seen

    async def book() -> None:
        while not done.is_set():
            await drain.flush()
            # A flush that finds nothing lets nobody else run.
            await asyncio.sleep(0)

    using = [asyncio.create_task(use(key)) for key in keys]
    booking = asyncio.create_task(book())
    for key in keys:
        assert (await live.chat(key)).status_code == 200
    await remove(desk, company.id)
    for key in keys:
        assert (await live.chat(key)).status_code in {200, 401}
    done.set()
    seen = await asyncio.gather(*using)
    await booking
    assert all(statuses <= {200, 401} for statuses in seen)
    await live.rows()
    # Other tests write spend by hand.
    ours = {company.id, company.team, company.user, *(hash_token(key) for key in keys)}
    differences = (await desk.get("/books/check"))["differences"]
    assert not [one for one in differences if ours & {one["entity_id"], *one["entity_id"].split(":")}]


async def test_the_number_of_statements_does_not_grow_with_what_goes(desk: Desk):
    small, large = await Company(desk).found(), await Company(desk).found()
    for _ in range(5):
        team = (await desk.post("/team/new", {"organization_id": large.id}))["team_id"]
        await desk.post("/project/new", {"team_id": team})
        await desk.live.make_key(team_id=team)
    few = await statements(desk, "DELETE", "/organization/delete", json={"organization_ids": [small.id]})
    many = await statements(desk, "DELETE", "/organization/delete", json={"organization_ids": [large.id]})
    assert many == few
    assert few <= 60
