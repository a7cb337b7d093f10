"""Secrets are read in Vault and Conjur; logins are renewed when they are refused."""

from collections.abc import AsyncIterator

import pytest

from gateway.errors import ServiceUnavailable
from gateway.settings.secret_managers import read_conjur, read_vault
from gateway.upstream.fetching import Fetcher
from gateway.upstream.secrets.conjur import Conjur
from gateway.upstream.secrets.vault import Vault
from tests.secret_servers import ConjurServer, VaultServer

ROLE = {"approle_role_id": "role-id", "approle_secret_id": "role-secret-of-the-tests"}
HOST = {
    "cyberark_account": "company",
    "cyberark_username": "host/gateway",
    "cyberark_api_key": "api-key-of-the-tests",
}


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    made = Fetcher()
    yield made
    await made.close()


async def test_an_app_role_logs_in_once_and_again_when_its_token_is_refused(fetcher: Fetcher):
    async with VaultServer(A="1", B="2") as server:
        vault = Vault(read_vault({"vault_addr": server.address, **ROLE}), fetcher)
        first = [await vault.read("A"), await vault.read("B"), await vault.read("C")]
        logins = server.requests["/v1/auth/approle/login"]
        server.tokens.clear()
        again = await vault.read("A")

    assert (first, logins, again) == (["1", "2", None], 1, "1")
    assert server.requests["/v1/auth/approle/login"] == 2


async def test_prefixes_mounts_and_namespaces_are_part_of_the_question(fetcher: Fetcher):
    async with VaultServer(A="1") as server:
        server.prefix = "/v1/kv/data/llm/prod/"
        members = {
            "vault_addr": f"{server.address}/",
            "vault_token": "root-token-of-the-tests",
            "vault_mount_name": "/kv/",
            "vault_path_prefix": "llm/prod",
            "vault_namespace": "team-a",
        }
        found = await Vault(read_vault(members), fetcher).read("A")

    assert (found, server.headers["x-vault-namespace"]) == ("1", "team-a")


@pytest.mark.parametrize("token", ["wrong", "root-token-of-the-tests"])
async def test_a_vault_that_refuses_is_told_without_its_address(fetcher: Fetcher, token: str):
    async with VaultServer() as server:
        server.status = 200 if token == "wrong" else 500
        vault = Vault(read_vault({"vault_addr": server.address, "vault_token": token}), fetcher)
        with pytest.raises(ServiceUnavailable) as error:
            await vault.check()

    assert error.value.message == f"Vault answered with status {403 if token == 'wrong' else 500}."


async def test_an_answer_of_another_shape_has_no_secret(fetcher: Fetcher):
    class Odd(VaultServer):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
            return 200, b'{"data": [1]}'

    async with Odd() as server:
        vault = Vault(read_vault({"vault_addr": server.address, "vault_token": "x"}), fetcher)

        assert await vault.read("A") is None


async def test_conjur_logs_in_once_and_again_when_its_token_is_refused(fetcher: Fetcher):
    async with ConjurServer(**{"llm/key": "1"}) as server:
        conjur = Conjur(read_conjur({"cyberark_api_base": server.address, **HOST}), fetcher)
        first = [await conjur.read("llm/key"), await conjur.read("other")]
        server.token = b"another one"
        again = await conjur.read("llm/key")
        server.status = 500
        with pytest.raises(ServiceUnavailable, match="status 500"):
            await conjur.read("llm/key")

    assert (first, again) == (["1", None], "1")
    assert server.requests["/authn/company/host%2Fgateway/authenticate"] == 2


async def test_a_wrong_key_lets_nobody_in(fetcher: Fetcher):
    async with ConjurServer() as server:
        members = {"cyberark_api_base": server.address, **HOST, "cyberark_api_key": "wrong"}
        with pytest.raises(ServiceUnavailable, match="status 401"):
            await Conjur(read_conjur(members), fetcher).check()
