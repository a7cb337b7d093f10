"""A key is not a way to what its user administers and its maker does not."""

import pytest

from gateway.ids import hash_token
from tests.integration.manage.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def make_team(desk: Desk, *admins: str, **members: object) -> str:
    listed = [{"user_id": user, "role": "admin"} for user in admins]
    return (await desk.post("/team/new", {"members_with_roles": listed, **members}))["team_id"]


async def enter(desk: Desk, team: str, user: str, key: str) -> None:
    await desk.post("/team/member_add", {"team_id": team, "member": {"user_id": user}}, key)


async def test_a_team_admin_makes_no_key_of_the_admin_of_another_team(desk: Desk) -> None:
    (boss, key), (other, _) = await desk.make_user(), await desk.make_user()
    team = await make_team(desk, boss)
    await make_team(desk, other)
    await enter(desk, team, other, key)
    own = await desk.live.make_key(team_id=team, user_id=boss)
    theirs = await desk.live.make_key(team_id=team, user_id=other)

    made = await desk.refusal("/key/generate", {"team_id": team, "user_id": other}, key)
    moved = await desk.refusal("/key/update", {"key": hash_token(own), "user_id": other}, key)
    rotated = await desk.refusal("/key/regenerate", {"key": hash_token(theirs)}, key)

    assert [refusal[::2] for refusal in (made, moved, rotated)] == [(403, "user_id")] * 3


async def test_a_team_admin_makes_keys_of_the_teams_other_admin(desk: Desk) -> None:
    (boss, key), (other, _) = await desk.make_user(), await desk.make_user()
    team = await make_team(desk, boss, other)

    await desk.post("/key/generate", {"team_id": team, "user_id": other}, key)


async def test_an_organizations_admin_makes_keys_of_its_teams_admins(desk: Desk) -> None:
    (boss, key), (other, _) = await desk.make_user(), await desk.make_user()
    organization = await desk.make_organization(boss)
    team = await make_team(desk, other, organization_id=organization)
    await desk.post("/key/generate", {"team_id": team, "user_id": other}, key)

    await make_team(desk, other)

    refused = await desk.refusal("/key/generate", {"team_id": team, "user_id": other}, key)
    assert refused[::2] == (403, "user_id")


async def test_the_operators_own_row_is_nobody_elses_to_act_as(desk: Desk) -> None:
    master = "default_user_id"
    boss, key = await desk.make_user()
    organization = await desk.make_organization(boss)
    team = await make_team(desk, boss, organization_id=organization)
    await desk.run(
        """UPDATE "LiteLLM_UserTable" SET user_role = 'internal_user' WHERE user_id = $1""", master
    )

    made = await desk.refusal("/key/generate", {"team_id": team, "user_id": master}, key)
    new = await desk.refusal("/user/new", {"user_id": master, "organizations": [organization]}, key)

    assert [refusal[::2] for refusal in (made, new)] == [(403, "user_id")] * 2
