"""Every step of a login sends exactly as many SQL statements as is declared here."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio

from gateway.ids import new_id
from tests.conftest import DatabaseFactory
from tests.integration.conftest import serve_new
from tests.integration.counting import counting, quiet
from tests.integration.manage.conftest import Desk as Office
from tests.integration.manage.login_routes import STATEMENTS
from tests.integration.manage.test_sso import Desk, key_of
from tests.integration.request_path.test_mcp_grants import BACK, VERIFIER, place
from tests.integration.request_path.test_mcp_logins import TOKENS, declare
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_oauth import OAuthProvider
from tests.mcp_servers import McpFixture
from tests.oidc import OidcProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

_PASSWORD, _OTHER = "correct horse battery staple", "another horse battery staple"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def live(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LiveGateway]:
    """A gateway of their own: where other tests have left MCP servers, these are read as well."""
    async with serve_new(database_factory, migrated_template, tmp_path_factory.mktemp("logins")) as live:
        yield live


class Walk:
    """A browser of its own, and how many statements each of its steps took."""

    def __init__(self, live: LiveGateway) -> None:
        self.live = live
        self.http = httpx.AsyncClient(base_url=live.origin, timeout=20)
        self.counts: dict[str, int] = {}

    async def ask(self, route: str, path: str = "", key: str = MASTER_KEY, **sent: Any) -> httpx.Response:
        """Take a step that succeeds; `path` where it is not the route's own."""
        method, _, own = route.partition(" ")
        headers = {**(bearer(key) if key else {}), **sent.pop("headers", {})}
        await quiet(self.live)
        if key not in {"", MASTER_KEY}:
            # Who asks is known, as on every request but the first.
            await self.http.get("/v1/models", headers=headers)
        async with counting(self.live) as counter:
            answer = await self.http.request(method, path or own, headers=headers, **sent)
        assert answer.status_code < 400, f"{route}: {answer.text}"
        self.counts[route] = len(counter)
        return answer


@pytest_asyncio.fixture(loop_scope="session")
async def walk(live: LiveGateway) -> AsyncIterator[Walk]:
    walk = Walk(live)
    live.gateway.parts.logins.passwords._throttle.forget()
    yield walk
    await walk.http.aclose()


async def _become(walk: Walk) -> tuple[str, str]:
    """A new user and its key."""
    made = await walk.live.http.post("/user/new", json={}, headers=bearer(MASTER_KEY))
    return made.json()["user_id"], made.json()["key"]


async def _claim(walk: Walk, user_id: str) -> None:
    """From the invitation to the password."""
    # Not by the master key, of which the user may be there or not.
    _, admin = await Office(walk.live).make_user("proxy_admin")
    link = (await walk.ask("POST /invitation/new", key=admin, json={"user_id": user_id})).json()["id"]
    await walk.ask("GET /invitation/info", params={"invitation_id": link})
    await walk.ask("GET /onboarding/get_token", key="", params={"invite_link": link})
    claim = {"invitation_link": link, "user_id": user_id, "password": _PASSWORD}
    await walk.ask("POST /onboarding/claim_token", key="", json=claim)
    await walk.ask("POST /invitation/update", key=admin, json={"invitation_id": link, "is_accepted": False})
    await walk.ask("POST /invitation/delete", json={"invitation_id": link})


async def test_a_password_lets_in(walk: Walk) -> None:
    user_id, _ = await _become(walk)
    await _claim(walk, user_id)
    named = {"username": user_id, "password": _PASSWORD}
    await walk.ask("POST /login", key="", data=named)
    key = key_of(await walk.ask("POST /v2/login", key="", json=named))
    change = {"current_password": _PASSWORD, "new_password": _OTHER}
    await walk.ask("POST /user/password/change", key=key, json=change)
    await walk.ask("POST /session/logout", key=key)
    assert walk.counts == STATEMENTS["password"]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(live: LiveGateway) -> AsyncIterator[Desk]:
    former = live.gateway.parts
    async with OidcProvider() as provider:
        desk = Desk(live, provider)
        desk.configure(SSO_DEBUG="true", GENERIC_ISSUER=provider.issuer)
        yield desk
    live.gateway.parts = former


async def test_a_provider_lets_in(walk: Walk, desk: Desk) -> None:
    name = f"sso-{new_id()[:8]}"
    who = {"sub": name, "email": f"{name}@e.com"}
    trial = await walk.ask("GET /sso/debug/login", key="")
    query = desk.provider.log_in(trial.headers["location"], **who)
    await walk.ask("GET /sso/debug/callback", key="", params=query)
    begun = await walk.ask("GET /sso/key/generate", key="")
    query = desk.provider.log_in(begun.headers["location"], **who)
    await walk.ask("GET /sso/callback", key="", params=query)
    assert walk.counts == STATEMENTS["provider"]


async def test_a_terminal_is_let_in(walk: Walk, desk: Desk) -> None:
    name = f"sso-{new_id()[:8]}"
    begun = (await walk.ask("POST /sso/cli/start", key="")).json()
    query = dict(parse_qsl(urlsplit(begun["verification_uri"]).query))
    sent = await walk.http.get("/sso/key/generate", params=query)
    back = desk.provider.log_in(sent.headers["location"], sub=name, email=f"{name}@e.com")
    await walk.http.get("/sso/callback", params=back)
    form = {"user_code": begun["user_code"]}
    path = f"/sso/cli/complete/{begun['login_id']}"
    await walk.ask("POST /sso/cli/complete/{login_id:str}", path, key="", data=form)
    headers = {"x-litellm-cli-poll-secret": begun["poll_secret"]}
    path = f"/sso/cli/poll/{begun['login_id']}"
    await walk.ask("GET /sso/cli/poll/{key_id:str}", path, key="", headers=headers)
    assert walk.counts == STATEMENTS["terminal"]


async def _hand_over(walk: Walk, key: str) -> None:
    """A console gets the tokens of a login for a code."""
    one, fix = "/v1/mcp/server/oauth/{server_id:str}", "/v1/mcp/server/oauth/fix"
    await walk.ask(f"POST {one}/register", f"{fix}/register", key, json={})
    begun = await walk.ask(f"GET {one}/authorize", fix + place("console"), key)
    consent = await walk.http.get(begun.headers["location"])
    back = await walk.http.get(consent.headers["location"].removeprefix(walk.live.origin))
    told = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    fields = {"grant_type": "authorization_code", "code": told["code"], "code_verifier": VERIFIER}
    await walk.ask(f"POST {one}/token", f"{fix}/token", key, data=fields)


async def test_a_user_logs_in_at_an_mcp_server(walk: Walk) -> None:
    async with McpFixture(is_json=True, provider=OAuthProvider()) as server:
        declare(walk.live, server)
        _, key = await _become(walk)
        begun = await walk.ask("GET /authorize/{server_name:str}", "/authorize/fix", key)
        consent = await walk.http.get(begun.headers["location"])
        back = consent.headers["location"].removeprefix(walk.live.origin)
        await walk.ask("GET /callback", back, key="")
        await _hand_over(walk, key)
        one = "/v1/mcp/server/{server_id:str}/oauth-user-credential"
        await walk.ask(f"GET {one}/status", f"{TOKENS}/status", key)
        await walk.ask(f"DELETE {one}", TOKENS, key)
        await walk.ask(f"POST {one}", TOKENS, key, json={"access_token": "brought"})
    assert walk.counts == STATEMENTS["mcp"]


async def _grant(walk: Walk, client: str, below: str = "", query: str = "", **said: str) -> str:
    """The token that a client gets for what the user says."""
    page = await walk.ask(f"GET {below}/authorize", f"{below}{place(client)}{query}", key="")
    consent = re.search(r'name="consent" value="([^"]+)"', page.text)
    assert consent is not None, page.text
    decision = {"consent": consent.group(1), "decision": "grant", **said}
    back = await walk.ask(f"POST {below}/authorize", key="", data=decision)
    told = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    code = {"grant_type": "authorization_code", "code": told["code"], "code_verifier": VERIFIER}
    fields = {**code, "client_id": client, "redirect_uri": BACK}
    return (await walk.ask(f"POST {below}/token", key="", data=fields)).json()["access_token"]


async def test_a_user_gives_what_a_server_wants(walk: Walk) -> None:
    servers = {"fix": {"url": "http://127.0.0.1:9/mcp", "is_byok": True}}
    walk.live.configure(deployment("m", walk.live.upstream), mcp_servers=servers)
    user_id, _ = await _become(walk)
    await _claim(walk, user_id)
    asked = await walk.ask("POST /register", key="", json={"redirect_uris": [BACK], "client_name": "x"})
    walk.counts.clear()
    client = asked.json()["client_id"]
    await _grant(walk, client, "/v1/mcp/oauth", "&server_id=fix", api_key="mine-0123456789")
    assert walk.counts == STATEMENTS["credential"]


async def test_a_client_is_granted_one_server(walk: Walk) -> None:
    servers = {"fix": {"url": "http://127.0.0.1:9/mcp"}}
    walk.live.configure(deployment("m", walk.live.upstream), mcp_servers=servers)
    user_id, _ = await _become(walk)
    await _claim(walk, user_id)
    walk.counts.clear()
    one = "/{mcp_server_name:str}"
    sent = {"redirect_uris": [BACK], "client_name": "x"}
    asked = await walk.ask(f"POST {one}/register", "/fix/register", key="", json=sent)
    client = asked.json()["client_id"]
    page = await walk.ask(f"GET {one}/authorize", f"/fix{place(client)}", key="")
    consent = re.search(r'name="consent" value="([^"]+)"', page.text)
    assert consent is not None, page.text
    decision = {"consent": consent.group(1), "decision": "grant"}
    back = await walk.ask("POST /authorize", key="", data=decision)
    told = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    code = {"grant_type": "authorization_code", "code": told["code"], "code_verifier": VERIFIER}
    await walk.ask(f"POST {one}/token", "/fix/token", key="", data={**code, "client_id": client})
    assert walk.counts == STATEMENTS["facade"]


async def test_a_client_is_granted_a_server_with_a_login_of_its_own(walk: Walk) -> None:
    async with McpFixture(is_json=True, provider=OAuthProvider()) as server:
        declare(walk.live, server, dcr_bridge=True)
        user_id, _ = await _become(walk)
        await _claim(walk, user_id)
        sent = {"redirect_uris": [BACK], "client_name": "x"}
        client = (await walk.http.post("/fix/register", json=sent)).json()["client_id"]
        page = await walk.http.get(f"/fix{place(client)}")
        consent = re.search(r'name="consent" value="([^"]+)"', page.text)
        assert consent is not None, page.text
        walk.counts.clear()
        decision = {"consent": consent.group(1), "decision": "grant"}
        page = await walk.ask("POST /authorize", key="", data=decision)
        (ticket,) = re.findall(r"ticket=([\w-]+)", page.text)
        one = "/authorize/mcp-session"
        begun = await walk.ask(f"GET {one}/login", f"{one}/login?ticket={ticket}", key="")
        consent = await walk.http.get(begun.headers["location"])
        await walk.http.get(consent.headers["location"])
        await walk.ask(f"GET {one}/finish", f"{one}/finish?ticket={ticket}", key="")
    assert walk.counts == STATEMENTS["bridge"]


async def test_a_client_is_granted_what_a_user_may(walk: Walk) -> None:
    user_id, _ = await _become(walk)
    await _claim(walk, user_id)
    walk.counts.clear()
    asked = await walk.ask("POST /register", key="", json={"redirect_uris": [BACK], "client_name": "x"})
    token = await _grant(walk, asked.json()["client_id"])
    await walk.ask("POST /introspect", data={"token": token})
    await walk.ask("POST /revoke", key="", data={"token": token})
    assert walk.counts == STATEMENTS["grant"]
