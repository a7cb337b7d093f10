"""What `send_invite_email` of a request asks for: mails to the users of new keys, and invitations."""

from collections.abc import Mapping
from typing import Any

import structlog

from gateway.alerts.letters import Invitation, KeyLetter
from gateway.domain import Principal, Secret
from gateway.errors import BadRequest
from gateway.identity.users.request import NewUserRequest
from gateway.inventory.ui.letters import INVITED, KEY_MADE, LetterEvent, goes_out
from gateway.runtime import Gateway

__all__ = ["check_can_invite", "check_can_mail", "check_server", "invite", "mail_key", "no_user"]

_MEMBER = "send_invite_email"
_NO_SERVER = (
    "Mails are not set up: general_settings.alerting has to name email, and SMTP_HOST and SMTP_SENDER_EMAIL "
    "have to be set. Leave the member out, and bring the secret to the user yourself."
)


def check_can_invite(gateway: Gateway, request: NewUserRequest, path: str = _MEMBER) -> None:
    """Raise BadRequest for an invitation that nobody could bring to the new user."""
    if request.send_invite_email:
        check_server(gateway, INVITED, path)
        if not request.user_email:
            raise _refuse(path, "The new user needs a user_email to be invited.")


async def check_can_mail(gateway: Gateway, caller: Principal, user_id: str | None) -> None:
    """Raise BadRequest where there is no way to a new key's user.

    Whether other people have an address is a proxy admin's to know.
    """
    check_server(gateway, KEY_MADE)
    wanted = user_id if caller.is_admin else user_id or caller.user_id
    if caller.is_admin or wanted == caller.user_id:
        address = await gateway.parts.management.users.find_address(wanted) if wanted else None
        if address is None:
            raise no_user()


async def mail_key(gateway: Gateway, made: Mapping[str, Any]) -> None:
    """Bring a secret that was made just now to the key's user, if it has an address, after the answer."""
    user_id: str | None = made["user_id"]
    recipient = await gateway.parts.management.users.find_address(user_id) if user_id else None
    if recipient is None:
        structlog.get_logger(__name__).warning("letter_not_sent", letter="key", reason="no address")
        return
    letter = KeyLetter(
        recipient=recipient,
        secret=Secret(made["key"]),
        name=made["key_alias"] or made["key_name"],
        base_url=gateway.parts.logins.base_url,
    )
    gateway.background(gateway.parts.letters.send_key(letter))


async def invite(gateway: Gateway, caller: Principal, user_id: str, user_email: str) -> None:
    """Invite a user who was made just now; the mail goes out after the answer."""
    logins = gateway.parts.logins
    row = await logins.invitations.create(caller, user_id)
    letter = Invitation(
        recipient=user_email,
        user_id=user_id,
        id=Secret(row["id"]),
        expires_at=row["expires_at"],
        base_url=logins.base_url,
    )
    gateway.background(gateway.parts.letters.send_invitation(letter))


def check_server(gateway: Gateway, event: LetterEvent, path: str = _MEMBER) -> None:
    """Raise BadRequest where no mail can be sent, or none of an event shall be."""
    if not gateway.parts.letters.can_send:
        raise _refuse(path, _NO_SERVER)
    if not goes_out(gateway.parts.added.current.ui, event):
        raise _refuse(path, f"Mails of the event '{event}' are switched off (/email/event_settings).")


def no_user() -> BadRequest:
    """The refusal of a mail for a key that nobody, or nobody with an address, has."""
    return _refuse(_MEMBER, "The key's user has no e-mail address, or the key belongs to no user.")


def _refuse(path: str, message: str) -> BadRequest:
    return BadRequest(f"{path}: {message}", param=path, type="bad_request_error")
