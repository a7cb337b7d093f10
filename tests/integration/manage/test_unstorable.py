"""The character U+0000 in paths and queries, which PostgreSQL cannot store."""

import pytest

from tests.integration.manage.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("method", "path", "loc"),
    [
        ("GET", "/organization/info?organization_id=%00", ["query", "organization_id"]),
        ("GET", "/organization/list?org_alias=a%00b", ["query", "org_alias"]),
        ("GET", "/customer/info?end_user_id=%00", ["query", "end_user_id"]),
        ("GET", "/project/info?project_id=%00", ["query", "project_id"]),
        ("GET", "/team/info?team_id=%00", ["query", "team_id"]),
        ("GET", "/user/info?user_id=%00", ["query", "user_id"]),
        ("GET", "/key/info?key=%00", ["query", "key"]),
        ("GET", "/budget/settings?budget_id=%00", ["query", "budget_id"]),
        ("GET", "/customer/list?after=%00", ["query", "after"]),
        ("GET", "/v1/access_group/a%00", ["path"]),
        ("DELETE", "/v1/access_group/a%00", ["path"]),
        ("PATCH", "/v2/organization/a%00", ["path"]),
        ("GET", "/access_group/a%00/info", ["path"]),
    ],
)
async def test_it_is_a_fault_of_its_place(desk: Desk, method, path, loc):
    answer = await desk.ask(method, path, **({"json": {}} if method == "PATCH" else {}))
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"] == loc
