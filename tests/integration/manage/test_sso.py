"""Logging in at an identity provider, over HTTP: discovery, PKCE, state, nonce, and what goes wrong."""

import base64
import html
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec
import pytest
import pytest_asyncio

from gateway.composition.logins import build_all_logins
from gateway.identity.records import Records
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.ids import new_id
from gateway.settings import load_settings
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer
from tests.oidc import OidcProvider, make_key

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[OidcProvider]:
    async with OidcProvider() as provider:
        yield provider


@dataclass
class Desk:
    """A gateway with an identity provider, and a browser without cookies."""

    live: LiveGateway
    provider: OidcProvider

    def configure(self, **environ: str) -> None:
        """Have the gateway send people to the provider, with these variables."""
        live = self.live
        base = {
            "GENERIC_CLIENT_ID": self.provider.client[0],
            "GENERIC_CLIENT_SECRET": self.provider.client[1],
            "GENERIC_USER_ID_ATTRIBUTE": "sub",
            "PROXY_BASE_URL": live.origin,
        }
        given = {**live.environ, **base, **(environ or {"GENERIC_ISSUER": self.provider.issuer})}
        settings = load_settings(live.folder / "config.yaml", given)
        parts = live.gateway.parts
        records = Records(parts.database, parts.clock, build_reset_calendar(settings), parts.audit)
        logins = build_all_logins(
            settings,
            given,
            parts.database,
            records,
            parts.management,
            parts.clients.fetcher,
            parts.documents,
            parts.clock,
            parts.colleagues,
        )
        live.gateway.parts = msgspec.structs.replace(parts, logins=logins)

    async def begin(self, **query: str) -> str:
        """Where the browser is sent; its cookie stays in it."""
        answer = await self.live.http.get("/sso/key/generate", params=query)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def come_back(self, **query: str) -> httpx.Response:
        return await self.live.http.get("/sso/callback", params=query)

    async def log_in(self, **claims: object) -> httpx.Response:
        """The whole way, for who has these claims."""
        return await self.come_back(**self.provider.log_in(await self.begin(), **claims))


@pytest_asyncio.fixture(loop_scope="session")
async def desk(live: LiveGateway, provider: OidcProvider) -> AsyncIterator[Desk]:
    former = live.gateway.parts
    desk = Desk(live, provider)
    desk.configure()
    yield desk
    live.http.cookies.clear()
    live.gateway.parts = former


def key_of(answer: httpx.Response) -> str:
    cookie = next(item for item in answer.headers.get_list("set-cookie") if item.startswith("token="))
    body = cookie.removeprefix("token=").split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["key"]


async def user_of(desk: Desk, user_id: str) -> dict[str, Any]:
    answer = await desk.live.http.get(f"/user/info?user_id={user_id}", headers=bearer(MASTER_KEY))
    assert answer.status_code == 200, answer.text
    return answer.json()["user_info"]


async def test_a_browser_is_sent_with_pkce_state_and_nonce(desk: Desk) -> None:
    address = await desk.begin()

    query = dict(parse_qsl(urlsplit(address).query))
    assert address.startswith(f"{desk.provider.issuer}/authorize?")
    assert query["redirect_uri"] == f"{desk.live.origin}/sso/callback"
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3
    assert all(len(query[name]) >= 43 for name in ("state", "nonce", "code_challenge"))


async def test_who_comes_back_is_made_a_user_and_gets_a_session(desk: Desk) -> None:
    name = f"sso-{new_id()[:8]}"

    answer = await desk.log_in(sub=name, email=f"{name}@Example.com")

    assert answer.status_code == 200
    assert name in answer.text
    key = key_of(answer)
    assert (await desk.live.chat(key)).status_code == 200
    assert (await user_of(desk, name))["user_email"].lower() == f"{name}@example.com"
    out = await desk.live.post("/session/logout", key, {})
    assert out.json() == {"message": "1 session ended."}


async def test_a_login_returns_to_a_path_of_ours_only(desk: Desk) -> None:
    name = f"sso-{new_id()[:8]}"
    query = desk.provider.log_in(await desk.begin(return_to="/docs?x=1"), sub=name, email=f"{name}@e.com")
    there = await desk.come_back(**query)
    elsewhere = []
    for path in ("https://evil.example", "//evil.example", "/\\evil.example", "/a\nb"):
        query = desk.provider.log_in(await desk.begin(return_to=path), sub=name, email=f"{name}@e.com")
        elsewhere.append((await desk.come_back(**query)).status_code)

    assert there.headers["location"] == f"{desk.live.origin}/docs?x=1"
    assert elsewhere == [200] * 4


async def test_an_answer_counts_for_the_browser_that_began_and_once(desk: Desk) -> None:
    query = desk.provider.log_in(await desk.begin(), sub="sso-once", email="once@e.com")
    cookies = dict(desk.live.http.cookies)
    desk.live.http.cookies.clear()
    stranger = await desk.come_back(**query)
    desk.live.http.cookies.update(cookies)
    other_state = await desk.come_back(**{**query, "state": "x" * 43})
    right = await desk.come_back(**query)
    desk.live.http.cookies.clear()
    desk.live.http.cookies.update(cookies)
    again = await desk.come_back(**query)

    assert [one.status_code for one in (stranger, other_state, right, again)] == [401, 401, 200, 401]


async def test_what_a_browser_carries_cannot_be_made_up(desk: Desk) -> None:
    query = desk.provider.log_in(await desk.begin(), sub="sso-forged", email="forged@e.com")
    forged = json.dumps({"state": query["state"], "nonce": "n", "verifier": "v"})
    desk.live.http.cookies.clear()
    answers = []
    for value in (base64.urlsafe_b64encode(forged.encode()).decode(), "x", "gAAAA" + "A" * 100):
        headers = {"cookie": f"gatewright_login={value}"}
        answers.append(await desk.live.http.get("/sso/callback", params=query, headers=headers))

    assert [answer.status_code for answer in answers] == [401] * 3


REFUSED: dict[str, dict[str, object]] = {
    "another login's nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another"},
    "another party": {"azp": "another"},
    "another issuer": {"iss": "https://elsewhere"},
    "an expired token": {"exp": 1},
    "no user": {"sub": None},
    "the operator's name": {"sub": "default_user_id"},
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused_is_an_id_token_with(case: str, desk: Desk) -> None:
    answer = await desk.log_in(**{"sub": "sso-refused", "email": "r@e.com", **REFUSED[case]})

    assert answer.status_code == 401, answer.text
    assert "set-cookie" not in answer.headers


async def test_an_id_token_of_another_key_is_refused(desk: Desk) -> None:
    answer = await desk.log_in(sub="sso-x", email="x@e.com", key=make_key("stranger"))

    assert answer.status_code == 401


async def test_a_code_of_another_verifier_is_refused(desk: Desk) -> None:
    first = desk.provider.log_in(await desk.begin(), sub="sso-a", email="a@e.com")
    desk.provider.codes[first["code"]]["code_challenge"] = "another"

    answer = await desk.come_back(**first)

    assert answer.status_code == 401
    assert "did not accept the code" in answer.text


async def test_who_was_let_in_by_nobody_is_told_so(desk: Desk) -> None:
    address = await desk.begin()
    state = dict(parse_qsl(urlsplit(address).query))["state"]

    denied = await desk.come_back(state=state, error="access_denied")
    empty = await desk.come_back(state=state)
    mixed_up = await desk.come_back(state=state, code="x", iss="https://elsewhere")

    assert [one.status_code for one in (denied, empty, mixed_up)] == [401] * 3


async def test_a_provider_that_is_away_is_told(desk: Desk) -> None:
    query = desk.provider.log_in(await desk.begin(), sub="sso-away", email="away@e.com")
    desk.provider.status = 503

    answer = await desk.come_back(**query)

    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "auth_provider_unavailable"
    assert desk.provider.issuer not in answer.text


async def test_three_endpoints_do_where_there_is_no_discovery(desk: Desk) -> None:
    origin, name = desk.provider.issuer, f"sso-{new_id()[:8]}"
    desk.configure(
        GENERIC_AUTHORIZATION_ENDPOINT=f"{origin}/authorize",
        GENERIC_TOKEN_ENDPOINT=f"{origin}/token",
        GENERIC_USERINFO_ENDPOINT=f"{origin}/userinfo",
        GENERIC_SCOPE="profile",
        GENERIC_USER_ID_ATTRIBUTE="login",
    )
    desk.provider.user_info = {"login": name, "email": f"{name}@e.com", "role": "internal_user_viewer"}

    answer = await desk.log_in()

    assert answer.status_code == 200, answer.text
    assert (await user_of(desk, name))["user_role"] == "internal_user_viewer"


async def test_user_info_completes_an_id_token_of_the_same_user(desk: Desk) -> None:
    name = f"sso-{new_id()[:8]}"
    desk.provider.user_info = {"sub": "somebody-else", "email": f"{name}@e.com"}
    other = await desk.log_in(sub=name)
    desk.provider.user_info = {"sub": name, "email": f"{name}@e.com"}
    same = await desk.log_in(sub=name)

    assert (other.status_code, same.status_code) == (401, 200)
    assert (await user_of(desk, name))["user_email"] == f"{name}@e.com"


async def invite(desk: Desk) -> str:
    """A user who has never logged in, with the address `<id>@e.com`."""
    name = f"sso-{new_id()[:8]}"
    body = {"user_id": name, "user_email": f"{name}@e.com", "auto_create_key": False}
    answer = await desk.live.http.post("/user/new", headers=bearer(MASTER_KEY), json=body)
    assert answer.status_code == 200, answer.text
    return name


async def test_an_account_is_taken_over_only_with_a_verified_address(desk: Desk) -> None:
    name = await invite(desk)
    stranger = {"sub": f"other-{name}", "email": f"{name}@e.com"}

    silent = await desk.log_in(**stranger)
    doubtful = await desk.log_in(**stranger | {"sub": f"doubtful-{name}"}, email_verified=False)
    unlinked = (await user_of(desk, name))["sso_user_id"]
    verified = await desk.log_in(**stranger, email_verified=True)
    again = await desk.log_in(**stranger)

    assert silent.status_code == 401
    assert "SSO_TRUST_EMAIL" in silent.text
    assert doubtful.status_code == 200
    assert (await user_of(desk, f"doubtful-{name}"))["user_email"] is None
    assert unlinked is None
    assert (verified.status_code, again.status_code) == (200, 200)
    assert (await user_of(desk, name))["sso_user_id"] == f"other-{name}"


async def test_the_operator_may_trust_addresses_of_which_the_provider_says_nothing(desk: Desk) -> None:
    name = await invite(desk)
    desk.configure(GENERIC_ISSUER=desk.provider.issuer, SSO_TRUST_EMAIL="true")
    stranger = {"sub": f"other-{name}", "email": f"{name}@e.com"}

    await desk.log_in(**stranger | {"sub": f"doubtful-{name}"}, email_verified=False)
    unlinked = (await user_of(desk, name))["sso_user_id"]
    silent = await desk.log_in(**stranger)

    assert (unlinked, silent.status_code) == (None, 200)
    assert (await user_of(desk, name))["sso_user_id"] == f"other-{name}"


async def test_domains_and_the_administrator_are_as_configured(desk: Desk) -> None:
    name = f"sso-{new_id()[:8]}"
    desk.configure(
        GENERIC_ISSUER=desk.provider.issuer, ALLOWED_EMAIL_DOMAINS="example.com, e.com", PROXY_ADMIN_ID=name
    )

    foreign = await desk.log_in(sub="sso-foreign", email="a@e.com.evil.org")
    doubtful = await desk.log_in(sub="sso-foreign", email="a@e.com", email_verified=False)
    admin = await desk.log_in(sub=name, email=f"{name}@e.com")

    assert (foreign.status_code, doubtful.status_code, admin.status_code) == (403, 403, 200)
    assert (await user_of(desk, name))["user_role"] == "proxy_admin"


async def test_a_deactivated_user_is_not_let_in(desk: Desk) -> None:
    name = f"sso-{new_id()[:8]}"
    await desk.log_in(sub=name, email=f"{name}@e.com")
    sql = """UPDATE "LiteLLM_UserTable" SET metadata = '{"scim_active": false}' WHERE user_id = $1"""
    await desk.live.gateway.parts.database.execute(sql, name)

    assert (await desk.log_in(sub=name, email=f"{name}@e.com")).status_code == 403


async def test_whether_there_is_a_provider_is_shown(desk: Desk) -> None:
    headers = bearer(MASTER_KEY)
    ready = (await desk.live.http.get("/sso/readiness", headers=headers)).json()
    shown = (await desk.live.http.get("/sso/get/ui_settings", headers=headers)).json()

    assert (ready["sso_configured"], ready["provider"]) == (True, "generic")
    for path in ("/.well-known/litellm-ui-config", "/litellm/.well-known/litellm-ui-config"):
        told = (await desk.live.http.get(path)).json()
        assert (told["sso_configured"], told["proxy_base_url"]) == (True, desk.live.origin)
    assert (shown["SSO_ENABLED"], shown["PROXY_BASE_URL"]) == (True, desk.live.origin)


async def test_without_a_provider_there_is_the_form(live: LiveGateway) -> None:
    page = await live.http.get("/sso/key/generate")
    back = await live.http.get("/sso/callback")
    ready = (await live.http.get("/sso/readiness", headers=bearer(MASTER_KEY))).json()

    assert 'name="password"' in page.text
    assert back.status_code == 404
    assert ready["sso_configured"] is False


async def start(desk: Desk) -> dict[str, Any]:
    answer = await desk.live.http.post("/sso/cli/start")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_terminals_that_others_begin_keep_nobody_from_beginning_one(desk: Desk) -> None:
    for number in range(101):
        await desk.live.gateway.parts.logins.terminals.begin(f"192.0.2.{number}")

    assert (await start(desk))["login_id"]


async def poll(desk: Desk, begun: dict[str, Any], secret: str | None = None, **query: str) -> httpx.Response:
    headers = {"x-litellm-cli-poll-secret": begun["poll_secret"] if secret is None else secret}
    path = f"/sso/cli/poll/{begun['login_id']}"
    return await desk.live.http.get(path, params=query, headers=headers)


async def confirm(desk: Desk, begun: dict[str, Any], code: str | None = None) -> httpx.Response:
    form = {"user_code": begun["user_code"] if code is None else code}
    return await desk.live.http.post(f"/sso/cli/complete/{begun['login_id']}", data=form)


async def log_in_for(desk: Desk, begun: dict[str, Any], name: str) -> httpx.Response:
    query = dict(parse_qsl(urlsplit(begun["verification_uri"]).query))
    address = await desk.begin(**query)
    return await desk.come_back(**desk.provider.log_in(address, sub=name, email=f"{name}@e.com"))


async def test_a_terminal_gets_a_key_when_its_code_was_confirmed_in_the_browser(desk: Desk) -> None:
    name, begun = f"sso-{new_id()[:8]}", await start(desk)

    before = await poll(desk, begun)
    page = await log_in_for(desk, begun, name)
    between = await poll(desk, begun)
    done = await confirm(desk, begun, begun["user_code"].lower())
    ready = await poll(desk, begun)
    again = await poll(desk, begun)

    assert (before.json(), between.json()) == ({"status": "pending"}, {"status": "pending"})
    assert f"/sso/cli/complete/{begun['login_id']}" in page.text
    assert not any(item.startswith("token=") for item in page.headers.get_list("set-cookie"))
    assert done.status_code == 200
    assert {item: ready.json()[item] for item in ("status", "user_id", "team_id", "expires_in")} == {
        "status": "ready",
        "user_id": name,
        "team_id": None,
        "expires_in": 86_400,
    }
    assert again.status_code == 400
    key = ready.json()["key"]
    assert (await desk.live.chat(key)).status_code == 200
    out = await desk.live.post("/session/logout", key, {})
    assert out.json() == {"message": "1 session ended."}


async def test_a_terminal_chooses_one_of_its_users_teams(desk: Desk) -> None:
    name, begun = f"sso-{new_id()[:8]}", await start(desk)
    await log_in_for(desk, begun, name)
    await confirm(desk, begun)
    for team in (f"{name}-a", f"{name}-b"):
        members = [{"user_id": name, "role": "user"}]
        body = {"team_id": team, "team_alias": team.upper(), "members_with_roles": members}
        assert (await desk.live.post("/team/new", MASTER_KEY, body)).status_code == 200

    choice = await poll(desk, begun)
    foreign = await poll(desk, begun, team_id="somebody-elses")
    ready = await poll(desk, begun, team_id=f"{name}-b")

    assert choice.json()["requires_team_selection"] is True
    assert choice.json()["team_details"] == [
        {"team_id": f"{name}-a", "team_alias": f"{name}-A".upper()},
        {"team_id": f"{name}-b", "team_alias": f"{name}-B".upper()},
    ]
    assert foreign.status_code == 403
    assert ready.json()["team_id"] == f"{name}-b"
    info = await desk.live.http.get("/key/info", headers=bearer(ready.json()["key"]))
    assert info.json()["info"]["team_id"] == f"{name}-b"


async def test_a_terminal_is_let_in_by_the_browser_that_logged_in_for_it_only(desk: Desk) -> None:
    name, begun, other = f"sso-{new_id()[:8]}", await start(desk), await start(desk)
    unasked = await confirm(desk, begun)
    await log_in_for(desk, begun, name)
    for_another = await confirm(desk, other)
    cookies = dict(desk.live.http.cookies)
    desk.live.http.cookies.clear()
    stranger = await confirm(desk, begun)
    desk.live.http.cookies.update(cookies)
    wrong = [(await confirm(desk, begun, f"WRNG-{n}")).status_code for n in range(5)]
    late = await confirm(desk, begun)

    assert {answer.status_code for answer in (unasked, for_another, stranger, late)} == {401}
    assert wrong == [401] * 5
    assert (await poll(desk, begun)).json() == {"status": "pending"}


async def test_a_login_of_a_terminal_needs_its_secret_and_ends(desk: Desk) -> None:
    begun = await start(desk)

    wrong = await poll(desk, begun, "another secret")
    unknown = await poll(desk, {**begun, "login_id": "cli-unknown"})
    sql = "UPDATE gatewright.terminal_login SET expires_at = now() - interval '1 second' WHERE id = $1"
    await desk.live.gateway.parts.database.execute(sql, begun["login_id"])
    late = await poll(desk, begun)

    assert (wrong.status_code, unknown.status_code, late.status_code) == (403, 400, 400)


async def test_without_a_provider_no_terminal_logs_in(live: LiveGateway) -> None:
    assert (await live.http.post("/sso/cli/start")).status_code == 404


async def test_the_provider_is_tried_out_without_logging_anybody_in(desk: Desk) -> None:
    closed = await desk.live.http.get("/sso/debug/login")
    desk.configure(SSO_DEBUG="true", ALLOWED_EMAIL_DOMAINS="example.com", GENERIC_ISSUER=desk.provider.issuer)
    shown: dict[str, str] = {}
    for email in ("trial@example.com", "trial@elsewhere.com"):
        begun = await desk.live.http.get("/sso/debug/login")
        query = desk.provider.log_in(begun.headers["location"], sub="sso-trial", email=email)
        answer = await desk.live.http.get("/sso/debug/callback", params=query)
        assert answer.status_code == 200, answer.text
        assert not any(item.startswith("token=") for item in answer.headers.get_list("set-cookie"))
        shown[email] = html.unescape(answer.text)

    assert closed.status_code == 404
    assert "SSO_DEBUG" in closed.json()["error"]["message"]
    assert '"is_let_in": true' in shown["trial@example.com"]
    assert "by the domain of their address" in shown["trial@elsewhere.com"]
    assert '"nonce"' not in shown["trial@example.com"]
    unknown = await desk.live.http.get("/user/info?user_id=sso-trial", headers=bearer(MASTER_KEY))
    assert unknown.status_code == 404
