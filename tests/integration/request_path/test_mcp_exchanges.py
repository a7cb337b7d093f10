"""Servers that are asked with tokens which the gateway gets for those of its callers."""

import asyncio
import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import Era, post, speak
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture
from tests.oidc import OidcProvider, make_key

pytestmark = pytest.mark.asyncio(loop_scope="session")

ERAS: list[Era] = ["2025-11-25", "2026-07-28"]
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "audience": "api://tools",
    "scope": "read write",
}
PEM = make_key("gateway", "EC").as_pem(private=True).decode()
JAG = "urn:ietf:params:oauth:token-type:id-jag"
VOUCHED = {"auth_type": "oauth2_id_jag", "id_jag_resource_token_endpoint": "https://a.example/t"}
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ENTRA = {
    "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "requested_token_use": "on_behalf_of",
    "scope": "api://tools/.default",
}


class Exchanger(OidcProvider):
    """Grants another token for each one that it is brought; `answer` stands in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, str]] = []
        self.proofs: list[str] = []
        self.answer: tuple[int, dict[str, object]] | None = None

    def redeem(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        self.asked.append(fields)
        self.proofs.append(read_proof(fields, authorization))
        granted: dict[str, object] = {"access_token": f"granted-{len(self.asked)}", "expires_in": 600}
        wanted = fields.get("requested_token_type")
        kind = {"token_type": "N_A" if wanted == JAG else "Bearer", "issued_token_type": wanted}
        return self.answer or (200, {**granted, **kind})


def read_proof(fields: dict[str, str], authorization: str) -> str:
    """How a client has said who it is."""
    if authorization:
        return f"basic {b64decode(authorization.removeprefix('Basic ')).decode()}"
    if "client_assertion" in fields:
        body = fields["client_assertion"].split(".")[1]
        return f"signed {json.loads(urlsafe_b64decode(body + '=='))['iss']}"
    return f"posted {fields['client_secret']}"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def shared_provider() -> AsyncIterator[Exchanger]:
    async with Exchanger() as running:
        yield running


@pytest.fixture
def provider(live: LiveGateway, server: McpFixture, shared_provider: Exchanger) -> Exchanger:
    declare(live, server, shared_provider)
    shared_provider.asked.clear()
    shared_provider.proofs.clear()
    shared_provider.answer = None
    server.headers.clear()
    return shared_provider


def declare(live: LiveGateway, server: McpFixture, provider: Exchanger, **settings: Any) -> None:
    about = {
        "auth_type": "oauth2_token_exchange",
        "token_exchange_endpoint": f"{provider.issuer}/token",
        "client_id": "gateway",
        "client_secret": "the-secret",
        "scopes": ["read", "write"],
        "audience": "api://tools",
        "subject_token_type": EXCHANGE["subject_token_type"],
        "extra_headers": ["Authorization"],
        **settings,
    }
    fix = {"url": server.url, "transport": "http", **about}
    jwt = {"issuers": [{"issuer": provider.issuer, "audience": "gateway"}], "user_id_upsert": True}
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={"fix": {name: value for name, value in fix.items() if value is not None}},
        general_settings={
            "enable_jwt_auth": True,
            "disable_reset_budget": True,
            "litellm_jwtauth": {**jwt, "user_id_jwt_field": "sub"},
        },
    )


def seen(server: McpFixture) -> set[str | None]:
    found = {one.get("authorization") for one in server.headers}
    server.headers.clear()
    return found


@pytest.mark.parametrize("era", ERAS)
async def test_each_caller_is_known_to_the_server_by_a_token_of_its_own(
    live: LiveGateway, key: str, server: McpFixture, provider: Exchanger, era: Era
) -> None:
    ada, bob, eve = (provider.token(sub=f"{name}-{era}") for name in ("ada", "bob", "eve"))
    by_key = {"x-litellm-api-key": key}
    for number, headers in enumerate((bearer(ada), bearer(bob), {**by_key, **bearer(eve)}), 1):
        for path in ("/fix/mcp", "/mcp-rest/tools/list?server_id=fix"):
            answers = await speak(live, path, era, headers)
            assert {one.status_code for one in answers} == {200}, answers[-1].text
            assert seen(server) == {f"Bearer granted-{number}"}
    asked = [dict(fields) for fields in provider.asked]
    assert [fields.pop("subject_token") for fields in asked] == [ada, bob, eve]
    assert {(one.pop("client_id"), one.pop("client_secret")) for one in asked} == {("gateway", "the-secret")}
    assert asked == [EXCHANGE] * 3
    (refused,) = await speak(live, "/fix/mcp", era, by_key)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "mcp_credential_missing")
    assert len(provider.asked) == 3


async def test_an_exchange_is_made_once_for_all_and_again_when_the_server_refuses(
    live: LiveGateway, server: McpFixture, provider: Exchanger
) -> None:
    token = bearer(provider.token(sub="ada"))
    answers = await asyncio.gather(*(post(live, None, LIST, **token) for _ in range(8)))
    assert len(provider.asked) == 1, [one.text for one in answers]
    provider.answer = (400, {"error": "invalid_grant"})
    another = bearer(provider.token(sub="ada", jti="another"))
    for _ in range(3):
        refused = await post(live, None, LIST, **another)
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "mcp_token_refused")
    assert len(provider.asked) == 2, "what is refused is not asked for again and again"
    for answer in ((500, {}), (200, {"access_token": "x", "token_type": "mac"}), (400, {"error": "other"})):
        provider.answer = answer
        failed = await post(live, None, LIST, **bearer(provider.token(sub="ada", jti=str(answer))))
        assert failed.status_code == 502
        assert "the-secret" not in failed.text
    assert "ey" not in str(seen(server))


async def test_tokens_are_exchanged_as_entra_does_it(
    live: LiveGateway, server: McpFixture, provider: Exchanger
) -> None:
    terms: dict[str, Any] = {"audience": None, "subject_token_type": None, "scopes": [ENTRA["scope"]]}
    declare(live, server, provider, token_exchange_profile="entra_obo", **terms)
    token = provider.token(sub="ada")
    await post(live, None, LIST, **bearer(token))
    (asked,) = provider.asked
    assert {name: asked[name] for name in asked if not name.startswith("client_")} == {
        **ENTRA,
        "assertion": token,
    }
    assert seen(server) == {"Bearer granted-1"}


async def test_an_identity_provider_vouches_for_callers_to_another_issuer(
    live: LiveGateway, server: McpFixture, provider: Exchanger
) -> None:
    async with Exchanger() as issuer:
        terms: dict[str, Any] = {
            "auth_type": "oauth2_id_jag",
            "id_jag_resource_token_endpoint": f"{issuer.issuer}/token",
            "id_jag_resource": server.url,
            "audience": issuer.issuer,
            "subject_token_type": None,
        }
        declare(live, server, provider, **terms)
        token = provider.token(sub="ada")
        for _ in range(2):
            await post(live, None, LIST, **bearer(token))
        (first,), (second,) = provider.asked, issuer.asked
        own = {"client_id": "gateway", "client_secret": "the-secret"}
        assert first == {
            **EXCHANGE,
            **own,
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type": JAG,
            "audience": issuer.issuer,
            "resource": server.url,
        }
        assert second == {**own, "grant_type": BEARER, "assertion": "granted-1"}
        assert seen(server) == {"Bearer granted-1"}
        for number, (theirs, status) in enumerate(
            (
                ((400, {"error": "invalid_grant"}), 401),
                ((200, {"access_token": "x", "token_type": "N_A", "issued_token_type": "other"}), 502),
                ((200, {"access_token": 7, "issued_token_type": JAG}), 502),
            )
        ):
            provider.answer = theirs
            failed = await post(live, None, LIST, **bearer(provider.token(sub="ada", jti=str(number))))
            assert failed.status_code == status, failed.text
        assert len(issuer.asked) == 1, "what is no assertion goes to nobody"
        provider.answer, issuer.answer = None, (400, {"error": "invalid_grant"})
        refused = await post(live, None, LIST, **bearer(provider.token(sub="eve")))
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "mcp_token_refused")


@pytest.mark.parametrize(
    ("settings", "proofs", "said"),
    [
        ({}, ("posted the-secret", "posted theirs"), "id_jag_resource_client_secret"),
        (
            {"token_endpoint_auth_method": "client_secret_basic"},
            ("basic gateway:the-secret", "basic resource:theirs"),
            "id_jag_resource_client_secret",
        ),
        (
            {"client_secret": None, "client_private_key": PEM},
            ("signed gateway", "posted theirs"),
            "id_jag_resource_client_secret",
        ),
        (
            {"client_secret": None, "client_private_key": PEM, "id_jag_resource_client_secret": None},
            ("signed gateway", "signed resource"),
            "client_private_key",
        ),
    ],
    ids=["posted", "basic", "beside a key", "with the key"],
)
async def test_the_gateway_may_be_another_client_where_it_redeems_assertions(
    live: LiveGateway,
    server: McpFixture,
    provider: Exchanger,
    settings: dict[str, Any],
    proofs: tuple[str, str],
    said: str,
) -> None:
    async with Exchanger() as issuer:
        terms: dict[str, Any] = {
            "auth_type": "oauth2_id_jag",
            "id_jag_resource_token_endpoint": f"{issuer.issuer}/token",
            "id_jag_subject_source": "caller",
            "id_jag_resource_client_id": "resource",
            "id_jag_resource_client_secret": "theirs",
        }
        declare(live, server, provider, **{**terms, **settings})
        token = provider.token(sub="ada")
        answers = await speak(live, "/fix/mcp", "2026-07-28", bearer(token))
        assert {one.status_code for one in answers} == {200}, answers[-1].text
        assert (provider.proofs, issuer.proofs) == ([proofs[0]], [proofs[1]])
        assert provider.asked[0]["subject_token"] == token
        assert issuer.asked[0]["assertion"] == "granted-1"
        assert "theirs" not in str(provider.asked), "a secret goes to who knows it"
        assert "the-secret" not in str(issuer.asked)
        assert seen(server) == {"Bearer granted-1"}
        issuer.answer = (400, {"error": "invalid_client"})
        failed = await post(live, None, LIST, **bearer(provider.token(sub="eve")))
        assert failed.status_code == 502
        assert "'id_jag_resource_client_id'" in failed.text
        assert f"'{said}'" in failed.text
        assert "theirs" not in failed.text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"token_exchange_endpoint": None}, "token_exchange_endpoint"),
        ({"client_secret": None}, "client_secret"),
        ({"token_url": "https://issuer.example/token"}, "token_url"),
        ({"auth_value": "x"}, "auth_value"),
        ({"auth_type": "oauth2"}, "token_exchange_endpoint"),
        ({"token_exchange_profile": "entra_obo"}, "audience"),
        ({"id_jag_resource": "https://tools.example"}, "needs auth_type 'oauth2_id_jag'"),
        ({"auth_type": "oauth2_id_jag"}, "needs 'id_jag_resource_token_endpoint'"),
        (
            {"auth_type": "oauth2_id_jag", "id_jag_resource_token_endpoint": "https://a/t", "audience": None},
            "audience",
        ),
        ({"auth_type": "oauth2_id_jag", "id_jag_resource_token_endpoint": "a"}, "begins with http"),
        ({"auth_type": "oauth2_id_jag", "token_exchange_profile": "rfc8693"}, "token_exchange_profile"),
        ({"token_exchange_profile": "entra_obo", "scopes": None}, "scopes"),
        ({"id_jag_resource_client_id": "resource"}, "needs auth_type 'oauth2_id_jag'"),
        ({**VOUCHED, "id_jag_subject_source": "login"}, "'id_jag_subject_source' is 'caller'"),
        ({**VOUCHED, "id_jag_resource_client_secret": "x"}, "needs 'id_jag_resource_client_id'"),
        ({**VOUCHED, "id_jag_resource_client_id": "x"}, "needs 'id_jag_resource_client_secret', or"),
    ],
)
async def test_settings_that_do_not_fit_stop_the_start(
    live: LiveGateway, server: McpFixture, provider: Exchanger, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(Exception, match=said):
        declare(live, server, provider, **settings)
