"""How much SQL each route of keys sends: the same, however much there is of what it looks at."""

from collections.abc import Mapping

import pytest

from gateway.ids import hash_token
from tests.integration.counting import counting
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTES: Mapping[str, tuple[str, str, dict[str, object], int]] = {
    "generate": ("POST", "/key/generate", {"models": ["m"]}, 6),
    "generate with an alias": ("POST", "/key/generate", {"key_alias": "{alias}"}, 8),
    "service account": ("POST", "/key/service-account/generate", {"team_id": "{team}"}, 8),
    "update": ("POST", "/key/update", {"key": "{key}", "max_budget": 3}, 5),
    "bulk update of one": ("POST", "/key/bulk_update", {"keys": [{"key": "{key}", "max_budget": 3}]}, 5),
    "info": ("GET", "/key/info?key={key}", {}, 1),
    "info of several": ("POST", "/v2/key/info", {"keys": ["{key}", "{other}"]}, 1),
    "list": ("GET", "/key/list?team_id={team}", {}, 2),
    "aliases": ("GET", "/key/aliases?team_id={team}", {}, 2),
    "block": ("POST", "/key/block", {"key": "{key}"}, 4),
    "unblock": ("POST", "/key/unblock", {"key": "{key}"}, 4),
    "regenerate": ("POST", "/key/{other}/regenerate", {}, 12),
    "reset spend": ("POST", "/key/{key}/reset_spend", {"reset_to": 0}, 7),
    "health": ("POST", "/key/health", {}, 0),
    "delete": ("POST", "/key/delete", {"keys": ["{key}"]}, 10),
}


def filled(value: object, names: Mapping[str, str]) -> object:
    """The value with the names in its texts filled in."""
    if isinstance(value, str):
        return value.format(**names)
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, names) for name, item in value.items()}
    return value


@pytest.mark.parametrize("route", ROUTES)
async def test_a_route_sends_as_many_statements_as_it_needs(
    desk: Desk, live: LiveGateway, unique, route: str
):
    method, path, body, expected = ROUTES[route]
    team = unique("team")
    await desk.post("/team/new", {"team_id": team})
    key = await live.make_key(team_id=team, spend=0.5)
    other = await live.make_key(team_id=team)
    names = {"team": team, "key": key, "other": hash_token(other), "alias": unique("alias")}
    sent = {"json": filled(body, names)} if method == "POST" else {}
    async with counting(live) as counter:
        answer = await desk.ask(method, path.format(**names), **sent)
    assert answer.status_code == 200, answer.text
    assert len(counter) == expected, "\n".join(counter.statements)


async def test_a_charge_with_the_former_secret_keeps_the_key_active(desk: Desk, live: LiveGateway):
    old = await live.make_key()
    new = (await desk.post("/key/regenerate", {"key": old, "grace_period": "1h"}))["key"]
    assert (await desk.ask("GET", "/key/info", params={"key": new})).json()["info"]["last_active"] is None
    await live.chat(old)
    await live.spent_nanos(new)
    assert (await desk.ask("GET", "/key/info", params={"key": new})).json()["info"]["last_active"]
