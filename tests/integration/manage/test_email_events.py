"""`/email/event_settings`: which letters go out when a request asks for them."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from gateway.alerts.letters import Letters
from gateway.alerts.mailing import MailServer
from tests.integration.manage.conftest import Desk
from tests.integration.serving import eventually
from tests.unit.alerts.conftest import mailbox_server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/email/event_settings"
MADE, INVITED, ROTATED = "Virtual Key Created", "New User Invitation", "Virtual Key Rotated"


async def shown(desk: Desk) -> dict[str, bool]:
    """Whether the letters of each event go out."""
    return {one["event"]: one["enabled"] for one in (await desk.get(PATH))["settings"]}


def stored(desk: Desk) -> dict[str, object]:
    """What this worker knows to be switched."""
    return desk.live.gateway.parts.added.current.ui.get("email_event_settings", {})


async def switch(desk: Desk, **events: bool) -> None:
    """Change some events, and wait until this worker keeps to it."""
    meant = {{"made": MADE, "invited": INVITED, "rotated": ROTATED}[name]: on for name, on in events.items()}
    settings = [{"event": event, "enabled": on} for event, on in meant.items()]
    await desk.patch(PATH, {"settings": settings})
    await eventually(lambda: meant.items() <= stored(desk).items())


@pytest_asyncio.fixture(loop_scope="session")
async def mailed(desk: Desk) -> AsyncIterator[Desk]:
    """A gateway with a mail server, and all letters on again behind the test."""
    live = desk.live
    parts = live.gateway.parts
    async with mailbox_server() as mailbox:
        server = MailServer(host="127.0.0.1", port=mailbox.port, sender="gw@example.com", starttls=False)
        live.gateway.parts = msgspec.structs.replace(parts, letters=Letters(server, pauses=()))
        yield desk
    live.gateway.parts = parts
    await desk.post(f"{PATH}/reset", {})
    await eventually(lambda: not stored(desk))


async def test_letters_that_are_switched_off_are_refused_before_anything_is_made(mailed: Desk, unique):
    user_id, email = unique("user"), f"{unique('a')}@example.com"
    key = (await mailed.post("/user/new", {"user_id": user_id, "user_email": email}))["key"]
    await switch(mailed, made=False, rotated=False)
    await switch(mailed, invited=False)

    for path, body in (
        ("/key/generate", {"user_id": user_id}),
        ("/key/regenerate", {"key": key}),
        ("/user/new", {"user_email": f"{unique('b')}@example.com"}),
    ):
        refusal = await mailed.refusal(path, {**body, "send_invite_email": True})
        assert refusal == (400, "bad_request_error", "send_invite_email")
    assert await shown(mailed) == {MADE: False, INVITED: False, ROTATED: False}
    await switch(mailed, made=True)
    await mailed.post("/key/generate", {"user_id": user_id, "send_invite_email": True})


async def test_a_reset_lets_all_letters_go_out_and_is_in_the_audit(mailed: Desk):
    await switch(mailed, made=False)

    await mailed.post(f"{PATH}/reset", {})

    await eventually(lambda: not stored(mailed))
    assert await shown(mailed) == {MADE: True, INVITED: True, ROTATED: True}
    [entry] = (await mailed.get("/audit", table_name="LiteLLM_UISettings", page_size=1))["audit_logs"]
    assert entry["before_value"]["email_event_settings"] == {MADE: False}


@pytest.mark.parametrize("role", ["internal_user", "proxy_admin_viewer"])
async def test_only_administrators_change_letters(desk: Desk, role: str):
    _, key = await desk.make_user(role)
    body = {"settings": [{"event": MADE, "enabled": False}]}

    assert (await desk.ask("PATCH", PATH, key, json=body)).status_code in {401, 403}
    assert (await desk.ask("POST", f"{PATH}/reset", key)).status_code in {401, 403}
    seen = (await desk.ask("GET", PATH, key)).status_code
    assert seen == (200 if role == "proxy_admin_viewer" else 401)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, ["body", "settings"]),
        ({"settings": [{"event": "Max Budget Alert", "enabled": True}]}, ["body", "settings", 0, "event"]),
        ({"settings": [{"event": MADE, "enabled": "no"}]}, ["body", "settings", 0, "enabled"]),
    ],
)
async def test_what_is_no_setting_is_refused_with_its_place(desk: Desk, body: object, place: list[object]):
    answer = await desk.ask("PATCH", PATH, json=body)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == place
