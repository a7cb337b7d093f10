"""What the gateway says of itself holds: every route is described, with everything that it reads."""

from typing import Any

import pytest

from gateway.composition.routes import ROUTES
from gateway.domain import MODEL_ENDPOINTS
from tests.integration.manage.conftest import Desk
from tests.integration.serving import deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _document(desk: Desk) -> dict[str, Any]:
    answer = await desk.live.http.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


async def test_every_route_and_method_is_in_the_document(desk: Desk) -> None:
    paths = (await _document(desk))["paths"]

    missing = [
        (path, method)
        for handler in ROUTES
        for path in handler.paths
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
        if str(method).lower() not in paths.get(path.replace(":str", "").replace(":path", ""), {})
    ]
    assert missing == []


async def test_the_inference_routes_are_in_the_document_under_all_their_paths(desk: Desk) -> None:
    paths = (await _document(desk))["paths"]

    for endpoint in MODEL_ENDPOINTS:
        for prefix in ("", "/v1", "/engines/{model}", "/openai/deployments/{model}"):
            assert "post" in paths[f"{prefix}/{endpoint}"]


async def test_a_route_is_described_with_body_parameters_and_answers(desk: Desk) -> None:
    document = await _document(desk)

    update = document["paths"]["/team/update"]["post"]
    reference = update["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert "max_budget" in document["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"]
    assert {"200", "400", "401", "403", "404", "409", "422", "503"} <= update["responses"].keys()
    info = {one["name"]: one for one in document["paths"]["/team/info"]["get"]["parameters"]}
    assert (info["team_id"]["required"], info["key_limit"]["required"]) == (True, False)
    audit = [one["name"] for one in document["paths"]["/audit"]["get"]["parameters"]]
    assert "object_team_id" in audit


async def test_parameters_are_described_by_the_names_that_requests_give_them(desk: Desk) -> None:
    paths = (await _document(desk))["paths"]

    def named(path: str) -> set[str]:
        return {one["name"] for one in paths[path]["get"]["parameters"]}

    assert "_selected_model_group" in named("/model/metrics")
    assert {"scope", "client_version"} <= named("/v1/models")
    assert {"existing_key", "user_code"} <= named("/sso/key/generate")
    assert "format" in named("/team/daily/activity/export")
    assert {"state", "code", "error", "iss"} <= named("/sso/callback")
    facets = named("/management/v1/spend_logs/users")
    assert {"filter[startTime][gte]", "filter[startTime][lte]"} <= facets


async def test_routes_are_listed_without_a_credential(desk: Desk) -> None:
    answer = await desk.live.http.get("/routes")

    listed = {route["path"]: route["methods"] for route in answer.json()["routes"]}
    assert listed["/audit/{entry_id}"] == ["GET"]
    assert listed["/organization/info"] == ["GET", "POST"]
    assert listed["/v1/chat/completions"] == ["POST"]


async def test_pass_throughs_are_among_the_routes_without_their_targets(desk: Desk) -> None:
    declared = [
        {"path": "/svc", "target": "http://target", "methods": ["GET"], "include_subpath": True},
        {"path": "/svc", "target": "http://target", "methods": ["POST"]},
    ]
    desk.live.configure(
        deployment("m", desk.live.upstream), general_settings={"pass_through_endpoints": declared}
    )
    answer = await desk.live.http.get("/routes")

    listed = {route["path"]: route["methods"] for route in answer.json()["routes"]}
    assert (listed["/svc"], listed["/svc/{subpath}"]) == (["GET", "POST"], ["GET"])
    assert "target" not in answer.text


@pytest.mark.parametrize(("path", "place"), [("/team/info?team_id=a%00b", "query"), ("/audit/a%00b", "path")])
async def test_a_character_that_cannot_be_stored_is_refused(desk: Desk, path: str, place: str) -> None:
    answer = await desk.ask("GET", path)

    assert (answer.status_code, answer.json()["detail"][0]["loc"][0]) == (422, place)
