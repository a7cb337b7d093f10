"""Whose a stored response is where callers have tokens of an identity provider in the place of keys."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.integration.identity.test_jwt import accept, manage
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.oidc import OidcProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[OidcProvider]:
    async with OidcProvider() as provider:
        yield provider


async def ask(live: LiveGateway, token: str, model: str, **members: Any) -> httpx.Response:
    return await live.post("/v1/responses", token, {"model": model, "input": "Hello", **members})


async def test_a_member_of_two_teams_has_what_either_was_answered(
    live: LiveGateway, provider: OidcProvider
) -> None:
    for team, model in (("js-red", "m"), ("js-blue", "n")):
        await manage(live, "/team/new", team_id=team, models=[model])
    models = [deployment(name, live.upstream, f"openai/real-{name}") for name in ("m", "n")]
    accept(live, provider, *models, user_id_jwt_field="sub", user_id_upsert=True, team_ids_jwt_field="teams")
    ada = provider.token(sub="js-ada", teams=["js-red", "js-blue"])
    eve = provider.token(sub="js-eve", teams=["js-red", "js-blue"])
    for model in ("m", "n"):
        named = (await ask(live, ada, model)).json()["id"]
        assert (await ask(live, ada, model, previous_response_id=named)).status_code == 200
        assert (await ask(live, eve, model, previous_response_id=named)).status_code == 400
        path = f"/v1/responses/{named}"
        assert (await live.http.get(path, headers=bearer(eve))).status_code == 404
        shown = await live.http.get(path, headers=bearer(ada))
        assert (shown.status_code, shown.json().get("model")) == (200, model)


async def test_end_users_of_a_team_have_their_own(live: LiveGateway, provider: OidcProvider) -> None:
    await manage(live, "/team/new", team_id="js-shop")
    accept(live, provider, team_id_jwt_field="team", end_user_id_jwt_field="customer")
    one, two = (provider.token(team="js-shop", customer=f"js-customer-{name}") for name in ("1", "2"))
    named = (await ask(live, one, "m")).json()["id"]
    for token, status in ((one, 200), (two, 404)):
        answer = await live.http.get(f"/v1/responses/{named}", headers=bearer(token))
        assert answer.status_code == status
    assert (await ask(live, two, "m", previous_response_id=named)).status_code == 400
