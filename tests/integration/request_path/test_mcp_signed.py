"""Servers at whose authorization server the gateway proves with a signature who it is."""

from typing import Any

import pytest

from tests.integration.request_path.mcp import speak
from tests.integration.request_path.test_mcp_logins import Browser
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture
from tests.oidc import OidcProvider, make_key
from tests.plugins.mcp.test_assertions import read

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class Issuer(OidcProvider):
    """Grants tokens to whoever proves to be the gateway; the first of a user is over at once."""

    def __init__(self) -> None:
        super().__init__()
        self.granted: list[str] = []
        self.audiences: list[str] = []
        self.proofs: set[str] = set()

    def redeem(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        header, claims = read(fields["client_assertion"], make_key("gateway", "EC"))
        assert (claims["iss"], claims["sub"], fields["client_id"]) == ("gateway",) * 3
        assert (header["kid"], "client_secret" in fields, authorization) == ("k1", False, "")
        assert claims["jti"] not in self.proofs, "a proof is made for one request"
        self.proofs.add(claims["jti"])
        self.granted.append(fields["grant_type"])
        self.audiences.append(claims["aud"])
        token: dict[str, object] = {"access_token": f"t{len(self.granted)}", "token_type": "Bearer"}
        is_code = fields["grant_type"] == "authorization_code"
        return 200, {**token, **({"refresh_token": "again", "expires_in": 0} if is_code else {})}


async def test_who_the_gateway_is_is_proved_at_every_grant(live: LiveGateway, key: str) -> None:
    pem = make_key("gateway", "EC").as_pem(private=True).decode()
    async with McpFixture(is_json=True) as server, Issuer() as issuer:
        token = f"{issuer.issuer}/token"
        signed: dict[str, Any] = {
            "url": server.url,
            "transport": "http",
            "auth_type": "oauth2",
            "client_id": "gateway",
            "client_private_key": pem,
            "client_private_key_id": "k1",
        }
        exchanging = {"auth_type": "oauth2_token_exchange", "token_exchange_endpoint": token}
        live.configure(
            deployment("m", live.upstream),
            mcp_servers={
                "own": {**signed, "oauth2_flow": "client_credentials", "token_url": token},
                "users": {**signed, "issuer": issuer.issuer},
                "callers": {**signed, **exchanging},
            },
        )
        made = (await live.http.post("/user/new", json={}, headers=bearer(MASTER_KEY))).json()
        browser = Browser(live, made["user_id"], made["key"])
        async with browser.http as http:
            back = issuer.log_in(await browser.begin("/authorize/users"))
            done = await http.get("/callback", params=back)
            assert done.status_code == 200, done.text
        stored = await live.gateway.parts.mcp_stock.find_credential(made["user_id"], "users")
        assert stored is not None
        assert ("private_key_jwt" in stored, "PRIVATE" in stored) == (True, False)
        caller = {"x-litellm-api-key": key, **bearer(issuer.token())}
        for path, headers in (
            ("/own/mcp", bearer(key)),
            ("/users/mcp", bearer(made["key"])),
            ("/callers/mcp", caller),
        ):
            answers = await speak(live, path, "2026-07-28", headers)
            assert {one.status_code for one in answers} == {200}, answers[-1].text
    assert issuer.granted == ["authorization_code", "client_credentials", "refresh_token", EXCHANGE]
    assert issuer.audiences == [issuer.issuer, token, issuer.issuer, token]
    assert {one["authorization"] for one in server.headers} == {"Bearer t2", "Bearer t3", "Bearer t4"}
    shown = await live.http.get("/v1/mcp/server", headers=bearer(MASTER_KEY))
    assert ("PRIVATE" in shown.text, '"client_private_key":"*****"' in shown.text) == (False, True)
