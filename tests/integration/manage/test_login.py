"""Logging in with name and password: sessions, throttling, invitations, older hashes."""

import asyncio
import base64
import hashlib
import json
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.ids import hash_token, new_id
from tests.integration.counting import counting
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "correct horse battery staple"


@pytest_asyncio.fixture(loop_scope="session")
async def user(live: LiveGateway) -> str:
    """A user of the test's own, without a password."""
    user_id = f"login-{new_id()[:8]}"
    members = {"user_id": user_id, "user_email": f"{user_id}@example.com", "auto_create_key": False}
    answer = await live.post("/user/new", MASTER_KEY, members)
    assert answer.status_code == 200, answer.text
    # Every test begins with no failures noted.
    live.gateway.parts.logins.passwords._throttle.forget()
    return user_id


async def store_hash(live: LiveGateway, user: str, stored: str) -> None:
    sql = 'UPDATE "LiteLLM_UserTable" SET password = $2 WHERE user_id = $1'
    await live.gateway.parts.database.execute(sql, user, stored)


async def stored_hash(live: LiveGateway, user: str) -> str:
    sql = 'SELECT password FROM "LiteLLM_UserTable" WHERE user_id = $1'
    return await live.gateway.parts.database.fetch_value(sql, user)


async def log_in(live: LiveGateway, name: str, password: str = PASSWORD) -> httpx.Response:
    return await live.post("/v2/login", None, {"username": name, "password": password})


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


async def invited(live: LiveGateway, user: str) -> str:
    answer = await live.post("/invitation/new", MASTER_KEY, {"user_id": user})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def onboard(live: LiveGateway, user: str) -> httpx.Response:
    link = await invited(live, user)
    body = {"invitation_link": link, "user_id": user, "password": PASSWORD}
    answer = await live.post("/onboarding/claim_token", None, body)
    live.http.cookies.clear()
    return answer


async def test_the_administrator_logs_in_with_the_master_key(live: LiveGateway, user: str) -> None:
    answer = await log_in(live, "admin", MASTER_KEY)
    live.http.cookies.clear()

    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"token={answer.json()['token']};")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    claims = claims_of(answer.json()["token"])
    assert (claims["user_id"], claims["user_role"]) == ("default_user_id", "proxy_admin")
    listed = await live.http.get("/user/list", headers=bearer(claims["key"]))
    assert listed.status_code == 200
    assert (await live.chat(answer.json()["token"])).status_code == 401


async def test_an_invited_user_chooses_a_password_and_logs_in(live: LiveGateway, user: str) -> None:
    link = await invited(live, user)
    shown = await live.http.get("/onboarding/get_token", params={"invite_link": link})
    body = {"invitation_link": link, "user_id": user, "password": PASSWORD}
    claimed = await live.post("/onboarding/claim_token", None, body)
    again = await live.post("/onboarding/claim_token", None, body)
    live.http.cookies.clear()
    by_id, by_address = await log_in(live, user), await log_in(live, f"{user}@EXAMPLE.com")
    live.http.cookies.clear()

    assert shown.json()["user_email"] == f"{user}@example.com"
    assert claims_of(shown.json()["token"])["key"] == ""
    assert claimed.status_code == 200
    assert "password" not in claimed.json()["user"]
    assert again.status_code == 401
    assert (by_id.status_code, by_address.status_code) == (200, 200)
    assert (await stored_hash(live, user)).startswith("$argon2id$")
    key = claims_of(by_id.json()["token"])["key"]
    assert (await live.chat(key)).status_code == 200
    info = (await live.http.get("/key/info", headers=bearer(key))).json()["info"]
    assert (info["team_id"], info["max_budget"], info["user_id"]) == ("litellm-dashboard", 0.25, user)


async def test_an_invitation_is_claimed_by_one_of_two_at_once(live: LiveGateway, user: str) -> None:
    link = await invited(live, user)
    bodies = [
        {"invitation_link": link, "user_id": user, "password": f"{PASSWORD} {number}"} for number in (1, 2)
    ]

    answers = await asyncio.gather(*(live.post("/onboarding/claim_token", None, body) for body in bodies))
    live.http.cookies.clear()

    assert sorted(answer.status_code for answer in answers) == [200, 401]


async def test_a_login_takes_so_many_statements(live: LiveGateway, user: str) -> None:
    key = claims_of((await onboard(live, user)).json()["token"])["key"]
    async with counting(live) as counter:
        await log_in(live, user)
        login = len(counter.statements)
        await live.post("/session/logout", key, {})
        logout = len(counter.statements) - login
    live.http.cookies.clear()

    assert login <= 10, counter.statements
    assert logout <= 8, counter.statements


async def test_a_session_ends_when_its_owner_logs_out(live: LiveGateway, user: str) -> None:
    first = claims_of((await onboard(live, user)).json()["token"])["key"]
    second = claims_of((await log_in(live, user)).json()["token"])["key"]
    live.http.cookies.clear()
    assert (await live.chat(first)).status_code == 200

    out = await live.post("/session/logout", first, {})

    assert out.json() == {"message": "1 session ended."}
    assert 'token=""' in out.headers["set-cookie"]
    await gone(live, first)
    assert (await live.chat(second)).status_code == 200


async def gone(live: LiveGateway, key: str) -> None:
    sql = 'SELECT 1 FROM "LiteLLM_VerificationToken" WHERE token = $1'
    assert await live.gateway.parts.database.fetch_value(sql, hash_token(key)) is None


async def test_with_another_key_all_sessions_of_its_user_end(live: LiveGateway, user: str) -> None:
    sessions = [claims_of((await onboard(live, user)).json()["token"])["key"]]
    sessions.append(claims_of((await log_in(live, user)).json()["token"])["key"])
    live.http.cookies.clear()
    own, foreign = await live.make_key(user_id=user), await live.make_key()

    nothing = await live.post("/session/logout", foreign, {})
    out = await live.post("/session/logout", own, {})

    assert nothing.json() == {"message": "0 sessions ended."}
    assert out.json() == {"message": "2 sessions ended."}
    for key in sessions:
        await gone(live, key)
    assert (await live.chat(own)).status_code == 200


async def test_a_changed_password_ends_the_other_sessions(live: LiveGateway, user: str) -> None:
    other = claims_of((await onboard(live, user)).json()["token"])["key"]
    own = claims_of((await log_in(live, user)).json()["token"])["key"]
    live.http.cookies.clear()
    new = "another good password"

    wrong = await live.post("/user/password/change", own, {"current_password": "x", "new_password": new})
    short = await live.post("/user/password/change", own, {"current_password": PASSWORD, "new_password": "x"})
    right = await live.post("/user/password/change", own, {"current_password": PASSWORD, "new_password": new})

    assert (wrong.status_code, short.status_code, right.status_code) == (401, 400, 200)
    assert right.json()["user_id"] == user
    await gone(live, other)
    assert (await live.chat(own)).status_code == 200
    assert (await log_in(live, user)).status_code == 401
    assert (await log_in(live, user, new)).status_code == 200
    live.http.cookies.clear()


def scrypt_of(password: str) -> str:
    digest = hashlib.scrypt(password.encode(), salt=b"s" * 16, n=16_384, r=8, p=1, dklen=32)
    return "scrypt:" + base64.b64encode(b"s" * 16 + digest).decode()


@pytest.mark.parametrize(
    "stored", [scrypt_of(PASSWORD), hashlib.sha256(PASSWORD.encode()).hexdigest()], ids=["scrypt", "sha256"]
)
async def test_hashes_of_litellm_are_verified_and_replaced(stored: str, live: LiveGateway, user: str) -> None:
    await store_hash(live, user, stored)

    with_the_hash = await log_in(live, user, stored)
    wrong = await log_in(live, user, "wrong")
    right = await log_in(live, user)
    replaced = await stored_hash(live, user)
    again = await log_in(live, user)
    live.http.cookies.clear()

    statuses = [answer.status_code for answer in (with_the_hash, wrong, right, again)]
    assert statuses == [401, 401, 200, 200]
    assert replaced.startswith("$argon2id$")


UNUSABLE = {
    "a text as it is": PASSWORD,
    "scrypt that is none": "scrypt:???",
    "scrypt that is too short": "scrypt:" + base64.b64encode(b"x" * 20).decode(),
    "argon2 that is none": "$argon2id$nonsense",
    "nothing": "",
}


@pytest.mark.parametrize("case", UNUSABLE)
async def test_nobody_gets_in_with(case: str, live: LiveGateway, user: str) -> None:
    await store_hash(live, user, UNUSABLE[case])

    assert (await log_in(live, user)).status_code == 401
    assert (await log_in(live, user, UNUSABLE[case])).status_code == 401


async def test_who_has_no_password_or_was_deactivated_gets_nowhere(live: LiveGateway, user: str) -> None:
    without = await log_in(live, user, "")
    await onboard(live, user)
    sql = """UPDATE "LiteLLM_UserTable" SET metadata = '{"scim_active": false}' WHERE user_id = $1"""
    await live.gateway.parts.database.execute(sql, user)

    deactivated = await log_in(live, user)
    unknown = await log_in(live, "nobody-at-all")

    assert {answer.status_code for answer in (without, deactivated, unknown)} == {401}
    assert deactivated.json() == unknown.json()


async def test_guessing_is_held_back(live: LiveGateway, user: str) -> None:
    await onboard(live, user)

    wrong = [(await log_in(live, user, f"guess {number}")).status_code for number in range(10)]
    held = await log_in(live, user)
    another = await log_in(live, "admin", MASTER_KEY)
    live.http.cookies.clear()
    live.gateway.parts.logins.passwords._throttle.forget()

    assert wrong == [401] * 10
    assert held.status_code == 429
    assert 0 < int(held.headers["retry-after"]) <= 300
    assert another.status_code == 200


async def test_guesses_are_counted_while_too_many_log_in(live: LiveGateway, user: str) -> None:
    logins = live.gateway.parts.logins.passwords
    async with AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(logins._passwords._lane)
        waiting = [asyncio.create_task(logins._passwords.verify("", None)) for _ in range(32)]
        await asyncio.sleep(0)
        guessed = [(await log_in(live, "admin", f"guess {number}")).status_code for number in range(10)]
        held_back = await log_in(live, "admin", MASTER_KEY)
        # Nobody needs their answers, each of which takes a fifth of a second.
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    logins._throttle.forget()

    assert guessed == [503] * 10
    assert held_back.status_code == 429


async def test_the_form_logs_in(live: LiveGateway, user: str) -> None:
    await onboard(live, user)
    page = await live.http.get("/fallback/login")
    form = {"username": user, "password": PASSWORD}
    done = await live.http.post("/login", data=form)
    live.http.cookies.clear()
    wrong = await live.http.post("/login", data={**form, "password": "x"})
    no_form = await live.post("/login", None, form)

    assert 'action="/login"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert done.status_code == 200
    assert user in done.text
    assert done.headers["set-cookie"].startswith("token=ey")
    assert (wrong.status_code, no_form.status_code) == (401, 400)


async def test_a_line_of_a_proxy_counts_where_the_client_wrote_one_before_it(live: LiveGateway) -> None:
    live.configure(general_settings={"allowed_ips": ["192.0.2.1"], "use_x_forwarded_for": True})
    form = {"username": "admin", "password": MASTER_KEY}
    lines = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "203.0.113.7")]

    forged = await live.http.post("/login", data=form, headers=lines)
    told = await live.http.post("/login", data=form, headers=lines[::-1])

    assert (forged.status_code, told.status_code) == (403, 200)
    assert "203.0.113.7" in forged.text


async def test_whoever_may_not_come_cannot_log_in_either(live: LiveGateway, user: str) -> None:
    link = await invited(live, user)
    form = {"username": "admin", "password": MASTER_KEY}
    cross = await live.http.post("/login", data=form, headers={"sec-fetch-site": "cross-site"})
    live.configure(general_settings={"allowed_ips": ["192.0.2.1"], "disable_reset_budget": True})

    answers = [
        await live.http.post("/login", data=form),
        await log_in(live, "admin", MASTER_KEY),
        await live.http.get("/onboarding/get_token", params={"invite_link": link}),
        await live.post(
            "/onboarding/claim_token", None, {"invitation_link": link, "user_id": user, "password": PASSWORD}
        ),
        await live.http.get("/sso/key/generate"),
        await live.http.get("/sso/callback"),
    ]

    assert cross.status_code == 403
    assert [answer.status_code for answer in answers] == [403] * 6


async def test_invitations_are_shown_reopened_and_withdrawn(live: LiveGateway, user: str) -> None:
    link = await invited(live, user)
    shown = await live.http.get(f"/invitation/info?invitation_id={link}", headers=bearer(MASTER_KEY))
    marked = await live.post("/invitation/update", MASTER_KEY, {"invitation_id": link, "is_accepted": True})
    closed = await live.http.get("/onboarding/get_token", params={"invite_link": link})
    await live.post("/invitation/update", MASTER_KEY, {"invitation_id": link, "is_accepted": False})
    opened = await live.http.get("/onboarding/get_token", params={"invite_link": link})
    withdrawn = await live.post("/invitation/delete", MASTER_KEY, {"invitation_id": link})
    missing = await live.http.get(f"/invitation/info?invitation_id={link}", headers=bearer(MASTER_KEY))

    assert set(shown.json()) == {
        *("id", "user_id", "is_accepted", "accepted_at", "expires_at"),
        *("created_at", "created_by", "updated_at", "updated_by"),
    }
    assert marked.json()["is_accepted"] is True
    assert (closed.status_code, opened.status_code) == (401, 200)
    assert withdrawn.json()["id"] == link
    assert missing.status_code == 404


async def test_the_audit_trail_lets_nobody_in(live: LiveGateway, user: str) -> None:
    link = await invited(live, user)
    await live.post("/invitation/delete", MASTER_KEY, {"invitation_id": link})
    sql = """SELECT string_agg(concat(object_id, before_value, updated_values), ' ') FROM "LiteLLM_AuditLog"
             WHERE table_name = 'LiteLLM_InvitationLink'"""
    written = await live.gateway.parts.database.fetch_value(sql)
    assert hash_token(link) in written
    assert link not in written


async def test_an_invitation_is_for_one_user_and_seven_days(live: LiveGateway, user: str) -> None:
    link = await invited(live, user)
    body = {"invitation_link": link, "user_id": "default_user_id", "password": PASSWORD}
    stranger = await live.post("/onboarding/claim_token", None, body)
    sql = """UPDATE "LiteLLM_InvitationLink" SET expires_at = now() - interval '1 day' WHERE id = $1"""
    await live.gateway.parts.database.execute(sql, link)
    late = await live.post("/onboarding/claim_token", None, {**body, "user_id": user})
    unknown = await live.post("/invitation/new", MASTER_KEY, {"user_id": "nobody-at-all"})

    assert (stranger.status_code, late.status_code, unknown.status_code) == (401, 401, 404)


async def test_an_organizations_administrator_invites_its_plain_members_only(
    live: LiveGateway, user: str
) -> None:
    database, name = live.gateway.parts.database, f"lo-{new_id()[:8]}"
    await database.execute(
        'INSERT INTO "LiteLLM_BudgetTable" (budget_id, created_by, updated_by) VALUES ($1, $1, $1)', name
    )
    await database.execute(
        'INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models,'
        " created_by, updated_by) VALUES ($1, $1, $1, '{}', 'x', 'x')",
        name,
    )
    for member, role in ((f"{name}-boss", "org_admin"), (f"{name}-chief", "internal_user")):
        await live.post("/user/new", MASTER_KEY, {"user_id": member, "auto_create_key": False})
        await database.execute(
            'INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id, user_role)'
            " VALUES ($1, $2, $3)",
            *(member, name, role),
        )
    await database.execute(
        'INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id, user_role)'
        " VALUES ($1, $2, 'internal_user')",
        *(user, name),
    )
    sql = """UPDATE "LiteLLM_UserTable" SET user_role = 'proxy_admin' WHERE user_id = $1"""
    await database.execute(sql, f"{name}-chief")
    boss = await live.make_key(user_id=f"{name}-boss")

    async def invite(whom: str) -> int:
        return (await live.post("/invitation/new", boss, {"user_id": whom})).status_code

    assert await invite(user) == 200
    assert await invite(f"{name}-chief") == 403
    assert await invite("default_user_id") == 403
    await onboard(live, user)
    assert await invite(user) == 403


async def test_a_password_that_changes_during_a_login_stays_changed(
    live: LiveGateway, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_hash(live, user, scrypt_of(PASSWORD))
    passwords = live.gateway.parts.logins.passwords._passwords
    hashed = passwords.hash

    async def hash_late(password: str) -> str:
        await store_hash(live, user, "changed meanwhile")
        return await hashed(password)

    monkeypatch.setattr(passwords, "hash", hash_late)

    assert (await log_in(live, user)).status_code == 200
    assert await stored_hash(live, user) == "changed meanwhile"


async def test_no_password_enters_the_audit_trail(live: LiveGateway, user: str) -> None:
    await onboard(live, user)

    rows = await live.gateway.parts.database.fetch(
        'SELECT before_value::text || updated_values::text AS text FROM "LiteLLM_AuditLog"'
    )
    text = "".join(row["text"] or "" for row in rows)
    assert PASSWORD not in text
    assert "argon2" not in text
