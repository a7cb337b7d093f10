"""The routes that scripts use most, where no flow has a reason to: bad values, unknown ids.

Flows and the tests of each resource have the rest; `test_doors` walks every role through every route.
"""

import pytest

from tests.integration.manage.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

BAD_QUERIES = {
    "/key/aliases?page=0": "page",
    "/key/list?size=101": "size",
    "/team/info": "team_id",
    "/team/permissions_list": "team_id",
    "/organization/list?limit=0": "limit",
    "/organization/info": "organization_id",
    "/project/list?limit=0": "limit",
    "/project/info": "project_id",
    "/customer/list?limit=0": "limit",
    "/end_user/list?limit=0": "limit",
    "/customer/info": "end_user_id",
    "/budget/list?limit=0": "limit",
    "/budget/settings": "budget_id",
    "/tag/list?limit=0": "limit",
    "/global/spend/keys?limit=0": "limit",
    "/global/spend/models?limit=0": "limit",
    "/spend/logs?limit=0": "limit",
    "/spend/logs/session/ui": "session_id",
    "/spend/logs/ui?start_date=2026-01-01&end_date=2026-01-02&page_size=0": "page_size",
    "/health/history?limit=0": "limit",
    "/health/services": "service",
    "/audit?page_size=101": "page_size",
}


@pytest.mark.parametrize("path", BAD_QUERIES)
async def test_a_query_that_cannot_be_is_refused_with_its_path(desk: Desk, path: str) -> None:
    answer = await desk.ask("GET", path)
    assert answer.status_code == 422, answer.text
    assert [fault["loc"] for fault in answer.json()["detail"]] == [["query", BAD_QUERIES[path]]]


REFUSED_BY_NAME = {
    "/user/list?page_size=0": "page_size",
    "/v2/team/list?page=0": "page",
    "/v2/model/info?page=0": "page",
    "/jwt/key/mapping/list?page=0": "page",
    "/spend/tags?start_date=soon&end_date=2026-01-02": "start_date",
    "/spend/logs?start_date=soon&end_date=2026-01-02": "start_date",
    "/spend/logs/ui": "start_date",
    "/spend/logs/v2?start_date=2026-01-01": "end_date",
    "/spend/logs/ui/some-request?start_date=soon": "start_date",
    "/user/daily/activity?start_date=2026-01-01": "end_date",
    "/team/daily/activity/aggregated": "start_date",
    "/audit?start_date=soon": "start_date",
}


@pytest.mark.parametrize("path", REFUSED_BY_NAME)
async def test_a_page_or_a_date_that_cannot_be_is_refused_by_name(desk: Desk, path: str) -> None:
    answer = await desk.ask("GET", path)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == REFUSED_BY_NAME[path]


UNKNOWN = (
    ("GET", "/key/info?key=nobody", None),
    ("POST", "/key/update", {"key": "nobody"}),
    ("POST", "/key/block", {"key": "nobody"}),
    ("POST", "/key/unblock", {"key": "nobody"}),
    ("POST", "/key/regenerate", {"key": "nobody"}),
    ("POST", "/key/nobody/regenerate", {}),
    ("POST", "/key/nobody/reset_spend", {"reset_to": 0}),
    ("POST", "/key/delete", {"keys": ["nobody"]}),
    ("GET", "/user/info?user_id=nobody", None),
    ("GET", "/v2/user/info?user_id=nobody", None),
    ("POST", "/user/delete", {"user_ids": ["nobody"]}),
    ("GET", "/team/info?team_id=nobody", None),
    ("POST", "/team/update", {"team_id": "nobody"}),
    ("PATCH", "/team/nobody", {}),
    ("POST", "/team/delete", {"team_ids": ["nobody"]}),
    ("POST", "/team/block", {"team_id": "nobody"}),
    ("POST", "/team/unblock", {"team_id": "nobody"}),
    ("POST", "/team/member_add", {"team_id": "nobody", "member": {"role": "user", "user_id": "x"}}),
    ("POST", "/team/model/add", {"team_id": "nobody", "models": ["m"]}),
    ("POST", "/team/model/delete", {"team_id": "nobody", "models": ["m"]}),
    ("GET", "/team/permissions_list?team_id=nobody", None),
    ("POST", "/team/permissions_update", {"team_id": "nobody", "team_member_permissions": []}),
    ("GET", "/team/nobody/callback", None),
    ("POST", "/team/nobody/disable_logging", {}),
    ("POST", "/team/nobody/member/x/reset_spend", {"reset_to": 0}),
    ("POST", "/team/nobody/member/x/reset_budget", {}),
    ("GET", "/organization/info?organization_id=nobody", None),
    ("PATCH", "/organization/update", {"organization_id": "nobody"}),
    ("PATCH", "/v2/organization/nobody", {}),
    ("DELETE", "/organization/delete", {"organization_ids": ["nobody"]}),
    ("POST", "/project/new", {"team_id": "nobody"}),
    ("POST", "/project/update", {"project_id": "nobody"}),
    ("GET", "/project/info?project_id=nobody", None),
    ("DELETE", "/project/delete", {"project_ids": ["nobody"]}),
    ("GET", "/customer/info?end_user_id=nobody", None),
    ("POST", "/customer/update", {"user_id": "nobody"}),
    ("POST", "/customer/delete", {"user_ids": ["nobody"]}),
    ("POST", "/tag/update", {"name": "nobody"}),
    ("POST", "/tag/delete", {"name": "nobody"}),
    ("POST", "/tag/info", {"names": ["nobody"]}),
    ("GET", "/v1/models/nobody", None),
    ("GET", "/models/nobody", None),
    ("POST", "/model/unblock", {"model_id": "nobody"}),
    ("POST", "/model/block", {"model_id": "nobody"}),
    ("PATCH", "/model/nobody/update", {"model_name": "x"}),
    ("GET", "/credentials/by_name/nobody", None),
    ("GET", "/credentials/by_model/nobody", None),
    ("DELETE", "/credentials/nobody", None),
    ("POST", "/cost/estimate", {"model": "nobody", "input_tokens": 1, "output_tokens": 1}),
    ("GET", "/spend/logs/ui/nobody", None),
    ("GET", "/audit/nobody", None),
)


@pytest.mark.parametrize(("method", "path", "body"), UNKNOWN)
async def test_what_nobody_knows_answers_404(desk: Desk, method: str, path: str, body: object) -> None:
    answer = await desk.ask(method, path, **({} if body is None else {"json": body}))
    assert answer.status_code == 404, answer.text
    assert set(answer.json()) <= {"error", "detail"}


async def test_a_models_information_is_asked_for_by_an_id_that_is_known(desk: Desk) -> None:
    for path in ("/model/info", "/v1/model/info"):
        answer = await desk.ask("GET", f"{path}?litellm_model_id=nobody")
        assert answer.status_code == 400, answer.text


async def test_models_are_listed_and_shown_under_every_path(desk: Desk, key: str) -> None:
    listed = [await desk.get(path, key) for path in ("/v1/models", "/models")]
    shown = [await desk.get(path, key) for path in ("/v1/models/m", "/models/m")]
    assert listed[0] == listed[1]
    assert shown[0] == shown[1]
    assert shown[0] in listed[0]["data"]
    assert (await desk.live.http.get("/v1/models")).status_code == 401


async def test_routes_are_listed_to_everybody(desk: Desk) -> None:
    routes = (await desk.live.http.get("/routes")).json()["routes"]
    assert {"path", "methods", "name", "endpoint"} <= set(routes[0])
    paths = {route["path"] for route in routes}
    assert {"/key/generate", "/v1/chat/completions", "/health/liveliness", "/test"} <= paths
