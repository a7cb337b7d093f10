"""`send_invite_email`: keys and invitations go to their users by mail."""

import re
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from gateway.alerts.letters import Letters
from gateway.alerts.mailing import MailServer
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, eventually
from tests.unit.alerts.conftest import Mailbox, mailbox_server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def mailbox(live: LiveGateway) -> AsyncIterator[Mailbox]:
    """The mail server of the gateway."""
    parts = live.gateway.parts
    async with mailbox_server() as mailbox:
        server = MailServer(host="127.0.0.1", port=mailbox.port, sender="gw@example.com", starttls=False)
        live.gateway.parts = msgspec.structs.replace(parts, letters=Letters(server, pauses=()))
        yield mailbox
    live.gateway.parts = parts


async def _next(mailbox: Mailbox) -> tuple[str, str]:
    """Recipient and text of the only mail."""
    await eventually(lambda: len(mailbox.mails) == 1)
    ((recipient,), mail) = mailbox.mails.pop()
    return recipient, mail.get_content()


async def test_a_new_user_is_invited_and_claims_by_what_the_mail_says(desk: Desk, mailbox: Mailbox, unique):
    user_id, email = unique("user"), f"{unique('a')}@example.com"
    body = {"user_id": user_id, "user_email": email, "send_invite_email": True}
    made = await desk.post("/user/new", body)
    assert "send_invite_email" not in made
    recipient, text = await _next(mailbox)
    assert recipient == email
    assert made["key"] not in text
    link = re.search(r"invitation_id=(\S+)", text)
    assert link is not None
    claim = {"invitation_link": link[1], "user_id": user_id, "password": "a long enough password"}
    assert (await desk.post("/onboarding/claim_token", claim))["user_email"] == email
    login = {"username": email, "password": "a long enough password"}
    assert "token" in await desk.post("/v2/login", login)


async def test_many_new_users_are_invited_each(desk: Desk, mailbox: Mailbox, unique):
    users = [{"user_email": f"{unique('a')}@example.com", "send_invite_email": True} for _ in range(2)]
    taken = {"user_email": users[0]["user_email"], "send_invite_email": True}
    made = await desk.post("/management/v1/users/bulk", {"users": [*users, taken]})
    assert made["meta"]["successful"] == 2
    await eventually(lambda: len(mailbox.mails) == 2)
    assert {mail[0][0] for mail in mailbox.mails} == {user["user_email"] for user in users}


async def test_a_key_goes_to_its_user(desk: Desk, mailbox: Mailbox, unique):
    user_id, email = unique("user"), f"{unique('a')}@example.com"
    await desk.post("/user/new", {"user_id": user_id, "user_email": email})
    body = {"user_id": user_id, "key_alias": unique("alias"), "send_invite_email": True}
    made = await desk.post("/key/generate", body)
    assert "send_invite_email" not in made
    recipient, text = await _next(mailbox)
    assert recipient == email
    assert made["key"] in text
    assert body["key_alias"] in text
    again = await desk.post("/key/regenerate", {"key": made["key"], "send_invite_email": True})
    assert again["key"] in (await _next(mailbox))[1]


async def test_users_send_their_own_keys_to_themselves(desk: Desk, mailbox: Mailbox, unique):
    email = f"{unique('a')}@example.com"
    own = (await desk.post("/user/new", {"user_email": email}))["key"]
    made = await desk.post("/key/generate", {"send_invite_email": True}, own)
    recipient, text = await _next(mailbox)
    assert (recipient, made["key"] in text) == (email, True)


async def test_what_has_no_address_is_refused_before_it_is_made(desk: Desk, mailbox: Mailbox, unique):
    user_id, alias = unique("user"), unique("alias")
    await desk.post("/user/new", {"user_id": user_id})
    for body in ({"user_id": user_id}, {}):
        sent = {**body, "key_alias": alias, "send_invite_email": True}
        assert (await desk.refusal("/key/generate", sent))[::2] == (400, "send_invite_email")
    refused = await desk.refusal("/key/service-account/generate", {"team_id": "t", "send_invite_email": True})
    assert refused[::2] == (400, "send_invite_email")
    refused = await desk.refusal("/user/new", {"user_alias": alias, "send_invite_email": True})
    assert refused[::2] == (400, "send_invite_email")
    assert (await desk.get("/key/list", key_alias=alias))["total_count"] == 0
    assert mailbox.mails == []


async def test_without_a_mail_server_it_is_refused(desk: Desk, unique):
    user_id, email = unique("user"), f"{unique('a')}@example.com"
    body = {"user_id": user_id, "user_email": email, "send_invite_email": True}
    answer = await desk.ask("POST", "/user/new", json=body)
    assert answer.status_code == 400
    assert "SMTP_HOST" in answer.json()["error"]["message"]
    await desk.get("/user/info", user_id=user_id, status=404)
    assert (await desk.refusal("/key/regenerate", {"send_invite_email": True}))[::2] == (
        400,
        "send_invite_email",
    )
    await desk.post("/user/new", {**body, "send_invite_email": False})


async def test_who_administers_an_organization_invites_by_the_invitation_routes(desk: Desk, unique):
    user_id, key = await desk.make_user()
    organization = await desk.make_organization(user_id)
    body = {"organizations": [organization], "user_email": "x@example.com", "send_invite_email": True}
    assert (await desk.refusal("/user/new", body, key))[0] in (400, 403)
