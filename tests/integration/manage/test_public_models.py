"""What anybody may see: public models page by page, what to filter them by, and which providers there are."""

from typing import Any

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment, eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("clean_config")]

HUB = "/public/v1/model_hub"


async def _look(live: LiveGateway, path: str, status: int = 200, **query: object) -> Any:
    answer = await live.http.get(path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_public_models_are_paged_filtered_and_counted(desk: Desk, live: LiveGateway) -> None:
    chat: dict[str, object] = {"info_mode": "chat", "info_supports_vision": True}
    live.configure(
        deployment("alpha", live.upstream, **chat),
        deployment("beta", live.upstream, info_mode="embedding"),
        deployment("hidden", live.upstream, **chat),
    )
    await desk.post("/model_group/make_public", {"model_groups": ["alpha", "beta"]})
    await eventually(lambda: bool(live.gateway.parts.added.current.overlay))

    first = await _look(live, HUB, page_size=1)
    second = await _look(live, HUB, page_size=1, page=2)
    found = {
        name: [one["model_group"] for one in (await _look(live, HUB, **query))["data"]]
        for name, query in {
            "search": {"search": "LPH"},
            "mode": {"mode": "embedding"},
            "feature": {"feature": "vision"},
            "hidden": {"search": "hidden"},
            "provider": {"provider": "nobody"},
        }.items()
    }

    assert [one["model_group"] for one in first["data"] + second["data"]] == ["alpha", "beta"]
    assert first["meta"] == {"total_count": 2, "page": 1, "page_size": 1, "total_pages": 2}
    assert first["links"]["next"] == f"{HUB}?page=2&page_size=1"
    assert second["links"]["next"] is None
    assert found == {
        "search": ["alpha"],
        "mode": ["beta"],
        "feature": ["alpha"],
        "hidden": [],
        "provider": [],
    }
    assert (await _look(live, f"{HUB}/modes"))["data"] == [
        {"value": "chat", "count": 1},
        {"value": "embedding", "count": 1},
    ]
    assert (await _look(live, f"{HUB}/features"))["data"] == [{"value": "vision", "count": 1}]
    assert await _look(live, f"{HUB}/anything", status=422)
    assert await _look(live, HUB, status=422, page=0)


async def test_providers_are_told_without_what_is_configured_of_them(live: LiveGateway) -> None:
    names = await _look(live, "/public/providers")
    forms = {one["provider"]: one for one in await _look(live, "/public/providers/fields")}
    endpoints = (await _look(live, "/public/endpoints"))["endpoints"]

    assert {"openai", "azure"} <= set(names)
    assert "mock" not in names
    assert list(forms) == names
    fields = {field["key"]: field for field in forms["azure"]["credential_fields"]}
    assert (fields["api_key"]["field_type"], fields["api_key"]["default_value"]) == ("password", None)
    assert fields["api_base"]["required"] is True
    assert endpoints[0]["endpoint"] == "/v1/chat/completions"
    assert {one["slug"] for one in endpoints[0]["providers"]} == set(names)
