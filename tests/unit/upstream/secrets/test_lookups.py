"""What is known of secrets is asked once, asked again in time, and outlives an outage."""

from collections.abc import AsyncIterator

import pytest

from gateway.testing import FakeClock
from gateway.upstream.fetching import Fetcher
from gateway.upstream.secrets.lookups import SecretLookups
from tests.secret_servers import ConjurServer, VaultServer

PATH = "/v1/secret/data/A"


@pytest.fixture
async def lookups() -> AsyncIterator[tuple[SecretLookups, FakeClock]]:
    fetcher, clock = Fetcher(), FakeClock()
    yield SecretLookups(fetcher, clock), clock
    await fetcher.close()


def said(server: VaultServer) -> dict[str, dict[str, object]]:
    return {"hashicorp_vault": {"vault_addr": server.address, "vault_token": "root-token-of-the-tests"}}


async def test_without_managers_nothing_is_asked(lookups: tuple[SecretLookups, FakeClock]):
    found, _ = lookups

    assert await found.find(["A"]) == {}
    assert not await found.renew()


async def test_a_secret_is_asked_once_and_again_after_five_minutes(lookups: tuple[SecretLookups, FakeClock]):
    found, clock = lookups
    async with VaultServer(A="1") as server:
        found.configure(said(server))
        assert [await found.find(["A", "B"]), await found.find(["A"])] == [{"A": "1"}, {"A": "1"}]
        assert server.requests[PATH] == 1
        server.secrets = {"A": "2", "B": "3"}
        clock.advance(299.0)
        early = await found.renew()
        clock.advance(1.0)
        late = await found.renew()
        assert await found.find(["A", "B"]) == {"A": "2", "B": "3"}
        clock.advance(300.0)

        assert (early, late, await found.renew()) == (False, True, False)


async def test_an_outage_leaves_what_is_known_and_is_tried_again_soon(
    lookups: tuple[SecretLookups, FakeClock],
):
    found, clock = lookups
    async with VaultServer(A="1", B="2") as server:
        found.configure(said(server))
        await found.find(["A"])
        server.status = 500
        during = await found.find(["A", "B"])
        clock.advance(9.0)
        early = await found.renew()
        server.status = 200
        clock.advance(1.0)

        assert (during, early, await found.renew()) == ({"A": "1"}, False, True)
        assert await found.find(["A", "B"]) == {"A": "1", "B": "2"}


async def test_one_that_does_not_answer_is_not_asked_for_every_name(
    lookups: tuple[SecretLookups, FakeClock],
):
    found, clock = lookups
    names = [f"N{number}" for number in range(50)]
    async with VaultServer(**dict.fromkeys(names, "1")) as server:
        server.status = 500
        found.configure(said(server))
        await found.find(names)
        first = sum(server.requests.values())
        await found.find([*names, "ANOTHER"])
        second = sum(server.requests.values())
        server.status = 200
        clock.advance(10.0)
        await found.renew()

        assert await found.find(names) == dict.fromkeys(names, "1")
    assert first == second <= 8


async def test_names_that_are_no_paths_are_not_asked(lookups: tuple[SecretLookups, FakeClock]):
    found, _ = lookups
    async with VaultServer() as server:
        found.configure(said(server))
        await found.find(["../sys/seal", "a?b", "", "x" * 201, "a b", "/a"])

    assert not server.requests


async def test_vault_is_asked_before_conjur_and_both_count(lookups: tuple[SecretLookups, FakeClock]):
    found, _ = lookups
    async with VaultServer(A="1") as vault, ConjurServer(A="2", B="3") as conjur:
        both = {
            "cyberark": {
                "cyberark_api_base": conjur.address,
                "cyberark_account": "company",
                "cyberark_username": "host/gateway",
                "cyberark_api_key": "api-key-of-the-tests",
            },
            **said(vault),
        }
        found.configure(both)

        assert await found.find(["A", "B"]) == {"A": "1", "B": "3"}
        found.configure({"cyberark": {"cyberark_account": "x"}})
        assert await found.find(["A"]) == {}
