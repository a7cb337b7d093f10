"""Tokens of clients of MCP that are signed (`mcp_session_token_signing`)."""

import hmac
import json
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.integration.request_path.mcp import speak
from tests.integration.request_path.person import Person
from tests.integration.request_path.test_mcp_grants import (
    client_id,
    get_tokens,
    is_let_in,
    people,
    person,
    redeem,
    until_refused,
)
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture
from tests.oidc import OidcProvider, encode, sign

__all__ = ["client_id", "people", "person"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEYS = "/.well-known/jwks.json"


@cache
def make_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


class Signed:
    """A gateway that signs with the key of a name."""

    def __init__(self, live: LiveGateway, server: McpFixture) -> None:
        self.live = live
        one = {"url": server.url, "transport": "http"}
        own = {**one, "per_server_oauth_discovery": True}
        self.servers = {"fix": own, "other": one, "open": {**one, "auth_type": "true_passthrough"}}

    def use(self, kid: str, *previous: str, **general: Any) -> None:
        old = [{"kid": one, "public_key": make_key(one).as_pem(private=False).decode()} for one in previous]
        signing = {
            "algorithm": "RS256",
            "kid": kid,
            "private_key": make_key(kid).as_pem(private=True).decode(),
            "previous_public_keys": old,
        }
        general = {"mcp_session_token_signing": signing, **general}
        self.live.configure(
            deployment("m", self.live.upstream), general_settings=general, mcp_servers=self.servers
        )

    async def read(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims, as whoever gets the keys from the gateway reads them."""
        keys = KeySet.import_key_set((await self.live.http.get(KEYS)).json())
        read = jwt.decode(token, keys, algorithms=["RS256"])
        return read.header, read.claims


@pytest.fixture
def signed(live: LiveGateway, server: McpFixture) -> Signed:
    one = Signed(live, server)
    one.use("first")
    return one


async def test_a_token_says_whose_it_is_and_for_what(
    live: LiveGateway, signed: Signed, person: Person, client_id: str
) -> None:
    resource = f"{live.origin}/fix/mcp"
    got = await get_tokens(live, person, client_id, resource=resource)
    header, claims = await signed.read(got["access_token"])
    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": "first"}
    assert claims["exp"] - claims["iat"] == got["expires_in"] == 3600
    told = {name: claims[name] for name in ("iss", "sub", "aud", "client_id")}
    wanted = {"iss": f"{live.origin}/mcp", "sub": person.user_id, "aud": resource, "client_id": client_id}
    assert told == wanted
    assert [await is_let_in(live, got["access_token"], f"/{one}/mcp") for one in ("fix", "other")] == [
        200,
        403,
    ]
    free = (await get_tokens(live, person, client_id))["access_token"]
    assert (await signed.read(free))[1]["aud"] == f"{live.origin}/mcp"
    assert await is_let_in(live, free, "/other/mcp") == 200
    assert (await live.http.get("/key/list", headers=bearer(free))).status_code in (401, 403)
    shown = await live.http.post("/introspect", data={"token": free}, headers=bearer(MASTER_KEY))
    assert (shown.json()["active"], shown.json()["sub"]) == (True, person.user_id)
    fields = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": got["refresh_token"]}
    renewed = (await live.http.post("/fix/token", data=fields)).json()["access_token"]
    assert (await signed.read(renewed))[1]["iss"] == f"{live.origin}/fix"
    assert await is_let_in(live, renewed) == 200
    assert await is_let_in(live, await live.make_key()) == 200, "keys are taken as ever"


async def test_a_token_that_was_not_made_here_is_none(
    live: LiveGateway, signed: Signed, person: Person, client_id: str
) -> None:
    token = (await get_tokens(live, person, client_id))["access_token"]
    head, body, signature = token.split(".")
    _, claims = await signed.read(token)
    other = json.dumps({**claims, "sub": "somebody-else"}).encode()
    none = encode(b'{"alg":"none","typ":"at+jwt","kid":"first"}')
    forged = {
        "another body": f"{head}.{encode(other)}.{signature}",
        "no algorithm": f"{none}.{body}.",
        "no signature": f"{head}.{body}.",
        "another key": sign(make_key("stranger"), claims, kid="first", typ="at+jwt"),
        "the public key": sign_with_secret(make_key("first"), body),
        # Signed, and in no table: whoever has the key alone is nobody.
        "never granted": sign(make_key("first"), claims, typ="at+jwt"),
        "of another kind": sign(make_key("first"), claims),
        "odd": "eyJ.eyJ.eyJ",
    }
    for why, one in forged.items():
        assert await is_let_in(live, one) == 401, why
    assert await is_let_in(live, token) == 200


def sign_with_secret(key: RSAKey, body: str) -> str:
    """As if the public key were a secret that both sides know."""
    head = encode(b'{"alg":"HS256","typ":"at+jwt","kid":"first"}')
    signed = f"{head}.{body}"
    return f"{signed}.{encode(hmac.digest(key.as_pem(private=False), signed.encode(), 'sha256'))}"


async def test_keys_take_turns(live: LiveGateway, signed: Signed, person: Person, client_id: str) -> None:
    old = await get_tokens(live, person, client_id)
    signed.use("second", "first")
    assert [one["kid"] for one in (await live.http.get(KEYS)).json()["keys"]] == ["second", "first"]
    assert "d" not in (await live.http.get(KEYS)).json()["keys"][0]
    new = await get_tokens(live, person, client_id)
    assert (await signed.read(new["access_token"]))[0]["kid"] == "second"
    assert [await is_let_in(live, one["access_token"]) for one in (old, new)] == [200, 200]
    signed.use("second")
    assert [await is_let_in(live, one["access_token"]) for one in (old, new)] == [401, 200]
    fields = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": old["refresh_token"]}
    assert await is_let_in(live, (await redeem(live, **fields)).json()["access_token"]) == 200
    live.configure(deployment("m", live.upstream), mcp_servers=signed.servers)
    assert (await live.http.get(KEYS)).json() == {"keys": []}
    assert await is_let_in(live, new["access_token"]) == 401


async def test_no_server_sees_a_token_of_the_gateway(
    live: LiveGateway, signed: Signed, server: McpFixture, person: Person, client_id: str
) -> None:
    token = (await get_tokens(live, person, client_id))["access_token"]
    for headers in (bearer(token), {"x-litellm-api-key": await live.make_key(), **bearer(token)}):
        server.headers.clear()
        answers = await speak(live, "/open/mcp", "2026-07-28", headers)
        assert [one.status_code for one in answers] == [200] * len(answers)
        assert all("authorization" not in asked for asked in server.headers)
    assert (await live.http.post("/revoke", data={"token": token})).status_code == 200
    await until_refused(live, token)
    server.headers.clear()
    (over, *_) = await speak(live, "/fix/mcp", "2026-07-28", bearer(token))
    told = f'Bearer resource_metadata="{live.origin}/.well-known/oauth-protected-resource/fix/mcp"'
    assert over.headers["www-authenticate"] == f'{told}, error="invalid_token"'
    # A token that nobody knows is for the server to judge; one that was taken back is not.
    for headers in (bearer(token), {"x-litellm-api-key": await live.make_key(), **bearer(token)}):
        await speak(live, "/open/mcp", "2026-07-28", headers)
    assert all(token not in str(asked) for asked in server.headers)
    assert {one.status_code for one in await speak(live, "/open/mcp", "2026-07-28", bearer(token))} == {401}
    (foreign, *_) = await speak(live, "/open/mcp", "2026-07-28", bearer(sign(make_key("stranger"), {"a": 1})))
    assert foreign.status_code == 200


async def test_tokens_of_identity_providers_are_taken_beside(
    live: LiveGateway, signed: Signed, person: Person, client_id: str
) -> None:
    async with OidcProvider() as provider:
        issuer = {"issuer": provider.issuer, "jwks_url": provider.jwks_url, "audience": "gateway"}
        signed.use("first", enable_jwt_auth=True, litellm_jwtauth={"issuers": [issuer]})
        token = (await get_tokens(live, person, client_id))["access_token"]
        theirs = provider.token(sub=person.user_id)
        assert [await is_let_in(live, one) for one in (token, theirs, token + "x")] == [200, 200, 401]
