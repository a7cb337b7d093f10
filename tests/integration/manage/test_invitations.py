"""Whom an organization's administrator may invite, and until when the link holds."""

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.serving import MASTER_KEY

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "correct horse battery"
_JOIN = """INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id, user_role, updated_at)
           VALUES ($1, $2, $3, now())"""


class Office:
    """An organization, the key of who administers it, and a member without a password."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def build(self) -> "Office":
        self.boss, self.key = await self.desk.make_user()
        self.organization = await self.desk.make_organization(self.boss)
        self.member, _ = await self.desk.make_user()
        await self.join(self.organization)
        return self

    async def join(self, organization: str, role: str = "internal_user") -> None:
        await self.desk.run(_JOIN, self.member, organization, role)

    async def invite(self, key: str | None = None) -> tuple[int, str]:
        body = {"user_id": self.member}
        answer = await self.desk.ask("POST", "/invitation/new", key or self.key, json=body)
        return answer.status_code, answer.json().get("id", "")

    async def claim(self, link: str) -> int:
        body = {"invitation_link": link, "user_id": self.member, "password": PASSWORD}
        answer = await self.desk.live.post("/onboarding/claim_token", None, body)
        self.desk.live.http.cookies.clear()
        return answer.status_code


@pytest_asyncio.fixture(loop_scope="session")
async def office(desk: Desk) -> Office:
    desk.live.gateway.parts.logins.passwords._throttle.forget()
    return await Office(desk).build()


async def test_a_member_of_another_organization_is_not_invited(desk: Desk, office: Office) -> None:
    await office.join(await desk.make_organization(), "org_admin")

    assert (await office.invite())[0] == 403
    assert (await office.invite(MASTER_KEY))[0] == 200


async def test_a_member_of_a_team_of_others_is_not_invited(desk: Desk, office: Office) -> None:
    member = [{"user_id": office.member, "role": "user"}]
    own = {"organization_id": office.organization, "members_with_roles": member}
    await desk.post("/team/new", own)
    assert (await office.invite())[0] == 200

    await desk.post("/team/new", {"members_with_roles": member})

    assert (await office.invite())[0] == 403


async def test_who_logs_in_at_a_provider_is_not_invited(desk: Desk, office: Office) -> None:
    await desk.run(
        'UPDATE "LiteLLM_UserTable" SET sso_user_id = $1 WHERE user_id = $1',
        office.member,
    )

    assert (await office.invite())[0] == 403


async def test_a_link_ends_when_the_user_becomes_an_administrator(desk: Desk, office: Office) -> None:
    _, link = await office.invite()
    await desk.post("/user/update", {"user_id": office.member, "user_role": "proxy_admin"})

    assert await office.claim(link) == 401


async def test_a_second_link_does_not_change_a_chosen_password(office: Office) -> None:
    (_, first), (_, second) = await office.invite(), await office.invite()

    assert await office.claim(first) == 200
    assert await office.claim(second) == 401


async def test_a_link_ends_with_its_makers_office(desk: Desk, office: Office) -> None:
    _, link = await office.invite()
    gone = {"organization_id": office.organization, "user_id": office.boss}
    removed = await desk.ask("DELETE", "/organization/member_delete", json=gone)
    assert removed.status_code == 200, removed.text

    assert await office.claim(link) == 401


async def test_a_proxy_admins_link_replaces_a_password(office: Office) -> None:
    (_, first), (_, second) = await office.invite(MASTER_KEY), await office.invite(MASTER_KEY)

    assert [await office.claim(link) for link in (first, second)] == [200, 200]


async def test_the_operator_is_not_invited(desk: Desk, office: Office) -> None:
    await desk.post("/user/update", {"user_id": "default_user_id", "user_role": "internal_user"})
    office.member = "default_user_id"
    await office.join(office.organization)

    assert (await office.invite())[0] == 403
