"""Requests that name their own upstream address or credential, where the operator leaves that to them."""

import ipaddress
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from gateway.upstream.clients import UpstreamClients
from tests.integration.serving import UPSTREAM_KEY, LiveGateway, deployment
from tests.upstreams import Upstream, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOTH = {"configurable_clientside_auth_params": ["api_key", "api_base"]}
MINE = "sk-the-clients-own-credential"


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere() -> AsyncIterator[Upstream]:
    """An address that is the client's."""
    async with Upstream() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def near(live: LiveGateway) -> AsyncIterator[LiveGateway]:
    """The gateway with `client_side_networks` that contain this machine."""
    former = live.gateway.parts
    clients = UpstreamClients([ipaddress.ip_network("127.0.0.0/8")])
    live.gateway.parts = msgspec.structs.replace(former, clients=clients)
    yield live
    live.gateway.parts = former
    await clients.close()


async def test_a_credential_of_the_clients_is_used_charged_and_kept_nowhere(
    live: LiveGateway, key: str
) -> None:
    live.configure(
        deployment("m", live.upstream, **BOTH), general_settings={"store_prompts_in_spend_logs": True}
    )
    answer = await live.chat(key, api_key=MINE)
    assert answer.status_code == 200
    (request,) = live.upstream.requests
    assert request.headers["authorization"] == f"Bearer {MINE}"
    assert b"api_key" not in request.body
    row = await live.row(key)
    assert row.nanos > 0
    for text in (row.text, answer.text, str(answer.headers)):
        assert MINE not in text


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_an_address_of_the_clients_is_called_without_anything_of_the_operators(
    near: LiveGateway,
    key: str,
    elsewhere: Upstream,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    model = deployment("m", near.upstream, extra_headers={"x-secret": UPSTREAM_KEY}, seed=7, **BOTH)
    near.configure(model)
    answer = await near.chat(key, api_base=elsewhere.base_url, api_key=MINE, stream=is_stream)
    assert answer.status_code == 200
    assert near.upstream.requests == []
    (request,) = elsewhere.requests
    assert request.headers["authorization"] == f"Bearer {MINE}"
    assert UPSTREAM_KEY not in str(request.headers)
    assert b"seed" not in request.body
    assert (await near.row(key)).nanos > 0


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_private_address_is_refused_without_a_connection(
    live: LiveGateway,
    key: str,
    elsewhere: Upstream,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.configure(deployment("m", live.upstream, **BOTH))
    answer = await live.chat(key, api_base=elsewhere.base_url, stream=is_stream)
    assert answer.status_code == 400
    assert "public host" in answer.json()["error"]["message"]
    assert str(elsewhere.port) not in answer.text
    assert elsewhere.connections == 0
    row = await live.row(key)
    assert (row.status, row.nanos) == ("failure", 0)
    assert live.held_nanos(key) == 0


@pytest.mark.parametrize("members", [{"api_key": MINE}, {"api_base": "https://mine.example"}])
async def test_nothing_can_be_chosen_unless_the_operator_says_so(
    live: LiveGateway, key: str, members: dict[str, object]
) -> None:
    answer = await live.chat(key, **members)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, next(iter(members)))
    assert live.upstream.requests == []


async def test_a_clients_wrong_credential_cools_nothing_down(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream, **BOTH), router_settings={"num_retries": 0})
    live.upstream.script.append(replies.error(401, f"Incorrect API key provided: {MINE}"))
    answer = await live.chat(key, api_key=MINE)
    assert answer.status_code == 401
    assert MINE not in answer.text
    assert (await live.chat(key)).status_code == 200


async def test_what_a_client_chose_goes_to_no_fallback(live: LiveGateway, key: str) -> None:
    live.configure(
        deployment("m", live.upstream, **BOTH),
        deployment("other", live.upstream, **BOTH),
        router_settings={"num_retries": 0, "fallbacks": [{"m": ["other"]}]},
    )
    live.upstream.script.append(replies.error(500, "no"))
    answer = await live.chat(key, api_key=MINE)
    assert answer.status_code == 500
    assert len(live.upstream.requests) == 1


async def test_the_operator_can_leave_it_for_every_model(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), general_settings={"allow_client_side_credentials": True})
    assert (await live.chat(key, api_key=MINE)).status_code == 200
    assert live.upstream.requests[0].headers["authorization"] == f"Bearer {MINE}"
