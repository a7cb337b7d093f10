"""Access groups of models through the running app."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.catalog.added_source import MODELS_CHANGED
from gateway.identity.invalidation import CHANNEL
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def models(desk: Desk, live: LiveGateway) -> AsyncIterator[dict[str, list[str]]]:
    """Ids of models of the database by name: two deployments of `red`, one of `blue`."""
    made: dict[str, list[str]] = {}
    for name in ("red", "red", "blue"):
        params = {"model": "openai/real-model", "api_base": live.upstream.base_url, "api_key": "sk-x"}
        row = await desk.post("/model/new", {"model_name": name, "litellm_params": params})
        made.setdefault(name, []).append(row["model_id"])
    yield made
    await desk.run('DELETE FROM "LiteLLM_ProxyModelTable"')
    await desk.run("SELECT pg_notify($1, $2)", CHANNEL, MODELS_CHANGED)
    catalog = lambda: live.gateway.snapshot.catalog  # noqa: E731  it is read anew each time
    await eventually(lambda: all(one.row is None for one in catalog().listings()))


async def put(desk: Desk, group: str, body: dict, key: str = MASTER_KEY, status: int = 200) -> dict:
    answer = await desk.ask("PUT", f"/access_group/{group}/update", key, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def drop(desk: Desk, group: str, key: str = MASTER_KEY, status: int = 200) -> dict:
    answer = await desk.ask("DELETE", f"/access_group/{group}/delete", key)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_group_is_made_shown_changed_and_deleted(desk: Desk, models, unique):
    group = unique("colours")
    made = await desk.post("/access_group/new", {"access_group": group, "model_names": ["red"]})
    assert made == {"access_group": group, "model_names": ["red"], "model_ids": None, "models_updated": 2}
    shown = await desk.get(f"/access_group/{group}/info")
    expected = {"model_names": ["red"], "deployment_count": 2, "spend": None, "budget": None}
    assert shown == {"access_group": group, **expected}
    listed = (await desk.get("/access_group/list"))["access_groups"]
    assert shown in listed
    changed = await put(desk, group, {"model_ids": [models["red"][0], models["blue"][0]]})
    assert changed["models_updated"] == 2
    shown = await desk.get(f"/access_group/{group}/info")
    assert (shown["model_names"], shown["deployment_count"]) == (["blue", "red"], 2)
    gone = await drop(desk, group)
    assert (gone["access_group"], gone["models_updated"]) == (group, 2)
    await desk.get(f"/access_group/{group}/info", status=404)


async def test_it_opens_its_models_within_a_second(desk: Desk, live: LiveGateway, models, unique):
    group = unique("colours")
    key = await live.make_key(models=[group])
    assert (await live.chat(key, "blue")).status_code == 403
    body = {"access_group": group, "model_names": ["blue"]}
    await desk.post("/access_group/new", body)
    await eventually(lambda: is_in(live, "blue", group))
    assert (await live.chat(key, "blue")).status_code == 200
    assert (await live.chat(key, "red")).status_code == 403
    await put(desk, group, {"model_names": ["red"]})
    await eventually(lambda: is_in(live, "red", group))
    assert (await live.chat(key, "blue")).status_code == 403


def is_in(live: LiveGateway, name: str, group: str) -> bool:
    listings = live.gateway.snapshot.catalog.listings()
    return any(
        one.public_name == name and one.deployment is not None and group in one.deployment.access_groups
        for one in listings
    )


async def test_other_members_of_the_model_stay(desk: Desk, models, unique):
    [blue] = models["blue"]
    await desk.ask("PATCH", f"/model/{blue}/update", json={"model_info": {"mode": "chat"}})
    sql = 'SELECT litellm_params::text FROM "LiteLLM_ProxyModelTable" WHERE model_id = $1'
    before = await desk.value(sql, blue)
    first, second = unique("one"), unique("two")
    for group in (first, second):
        await desk.post("/access_group/new", {"access_group": group, "model_ids": [blue]})
    info = """SELECT model_info #>> '{}' FROM "LiteLLM_ProxyModelTable" WHERE model_id = $1"""
    stored = await desk.value(info, blue)
    assert '"mode": "chat"' in stored
    assert f'"access_groups": ["{first}", "{second}"]' in stored
    assert await desk.value(sql, blue) == before
    audit = (
        """SELECT count(*) FROM "LiteLLM_AuditLog" WHERE object_id = $1 AND updated_values::text LIKE $2"""
    )
    assert await desk.value(audit, blue, f"%{second}%") == 1


async def test_models_of_the_configuration_are_shown_and_not_changed(
    desk: Desk, live: LiveGateway, models, unique
):
    group = unique("fixed")
    live.configure(deployment("m", live.upstream, info_access_groups=[group]))
    shown = await desk.get(f"/access_group/{group}/info")
    assert (shown["model_names"], shown["deployment_count"]) == (["m"], 1)
    again = {"access_group": group, "model_names": ["red"]}
    assert group in (await desk.post("/access_group/new", again, status=409))["detail"]["error"]
    assert "configuration" in (await drop(desk, group, status=400))["detail"]["error"]
    for body in ({"model_names": ["m"]}, {"model_ids": [live.gateway.snapshot.catalog.listings()[0].id]}):
        assert "configuration" in (await put(desk, group, body, status=400))["detail"]["error"]
    assert (await put(desk, group, {"model_names": ["red"]}))["models_updated"] == 2
    shown = await desk.get(f"/access_group/{group}/info")
    assert (shown["model_names"], shown["deployment_count"]) == (["m", "red"], 3)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"access_group": "new"}, 400),
        ({"access_group": "new", "model_names": []}, 400),
        ({"access_group": "new", "model_names": ["none"]}, 400),
        ({"access_group": "new", "model_ids": ["none"]}, 400),
        ({"access_group": "", "model_names": ["red"]}, 400),
        ({"access_group": "a/b", "model_names": ["red"]}, 400),
        ({"model_names": ["red"]}, 422),
        ({"access_group": "new", "model_names": "red"}, 422),
    ],
)
async def test_what_cannot_be_is_refused(desk: Desk, models, body, status):
    await desk.post("/access_group/new", body, status=status)
    await desk.get("/access_group/new/info", status=404)


async def test_a_group_that_is_not_there(desk: Desk, models):
    await put(desk, "none", {"model_names": ["red"]}, status=404)
    await drop(desk, "none", status=404)
    assert "none" in (await desk.get("/access_group/none/info", status=404))["detail"]["error"]


async def test_models_that_are_not_stored_are_not_grouped(desk: Desk, live: LiveGateway):
    live.configure(deployment("m", live.upstream), general_settings={"store_model_in_db": False})
    await desk.post("/access_group/new", {"access_group": "new", "model_names": ["m"]}, status=500)
    await put(desk, "new", {"model_names": ["m"]}, status=500)
    await drop(desk, "new", status=500)


async def test_who_may(desk: Desk, models, unique):
    group = unique("colours")
    await desk.post("/access_group/new", {"access_group": group, "model_names": ["red"]})
    callers = {
        (await desk.make_user())[1]: 401,
        (await desk.make_user("internal_user_viewer"))[1]: 401,
        (await desk.make_user("proxy_admin_viewer"))[1]: 200,
        await desk.live.make_key(): 401,
    }
    for key, reading in callers.items():
        await desk.get("/access_group/list", key, reading)
        await desk.get(f"/access_group/{group}/info", key, reading)
        await desk.post("/access_group/new", {"access_group": "x", "model_names": ["red"]}, key, 401)
        await put(desk, group, {"model_names": ["blue"]}, key, 401)
        await drop(desk, group, key, 401)


async def count(desk: Desk, method: str, path: str, **sent: object) -> int:
    """Statements of a route on models; those with which workers read them anew come when they come."""
    async with counting(desk.live) as counter:
        answer = await desk.ask(method, path, **sent)
    assert answer.status_code == 200, answer.text
    on_models = [sql for sql in counter.statements if "LiteLLM_ProxyModelTable" in sql]
    return sum("created_by" not in sql for sql in on_models)


async def test_the_number_of_statements(desk: Desk, models, unique):
    group = unique("colours")
    body = {"access_group": group, "model_names": ["red", "blue"]}
    assert await count(desk, "POST", "/access_group/new", json=body) == 2
    assert await count(desk, "GET", "/access_group/list") == 1
    assert await count(desk, "GET", f"/access_group/{group}/info") == 1
    path = f"/access_group/{group}/update"
    assert await count(desk, "PUT", path, json={"model_names": ["blue"]}) == 2
    assert await count(desk, "DELETE", f"/access_group/{group}/delete") == 2
