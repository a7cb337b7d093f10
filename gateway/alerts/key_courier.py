"""Brings the new secret of a key that was rotated by itself to whoever works with it."""

from datetime import datetime
from email.message import EmailMessage

import msgspec
import structlog

from gateway.alerts.mailing import MailServer, send_mail
from gateway.alerts.posting import Address, PostRefused, post_json
from gateway.domain import Secret

__all__ = ["KeyCourier", "NewSecret"]

_SECONDS = 10.0


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a rotated key. `token` is its new hash, `old_key_valid_until` UTC."""

    secret: Secret
    token: str
    key_name: str
    key_alias: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    user_email: str | None = None
    old_key_valid_until: datetime


class KeyCourier:
    """Sends by webhook, and by mail to the key's user, where the operator has configured these."""

    def __init__(
        self, webhook: Address | None, mail_server: MailServer | None, *, seconds: float = _SECONDS
    ) -> None:
        self._webhook = webhook
        self._mail_server = mail_server
        self._seconds = seconds
        self._log = structlog.get_logger(__name__)

    def reaches(self, user_email: str | None) -> bool:
        """Whether there is any way to the user of a key."""
        return self._webhook is not None or (self._mail_server is not None and bool(user_email))

    async def deliver(self, new: NewSecret) -> bool:
        """Send it every way that there is; returns whether it arrived anywhere. What fails is logged."""
        arrived = False
        if self._webhook is not None:
            arrived = await self._post(self._webhook, new)
        if self._mail_server is not None and new.user_email:
            arrived = await self._mail(self._mail_server, new, new.user_email) or arrived
        return arrived

    async def _post(self, address: Address, new: NewSecret) -> bool:
        try:
            await post_json(address, _event(new), seconds=self._seconds)
        except (OSError, PostRefused) as error:
            self._note("webhook", new, error)
            return False
        return True

    async def _mail(self, server: MailServer, new: NewSecret, recipient: str) -> bool:
        message = EmailMessage()
        message["Subject"] = "Gatewright: your key has a new secret"
        message["From"] = server.sender
        message["To"] = recipient
        name = new.key_alias or new.key_name
        lines = (
            f"The key {' '.join(name.split())} has a new secret:",
            "",
            new.secret.reveal(),
            "",
            f"The old secret is good until {new.old_key_valid_until:%Y-%m-%d %H:%M} UTC.",
            "",
        )
        message.set_content("\n".join(lines))
        try:
            await send_mail(server, message, (recipient,), seconds=self._seconds)
        except (OSError, PostRefused) as error:
            self._note("email", new, error)
            return False
        return True

    def _note(self, channel: str, new: NewSecret, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        self._log.warning("new_secret_not_sent", channel=channel, key=new.key_name, reason=reason)


def _event(new: NewSecret) -> dict[str, object]:
    """The contract's webhook event, with the secret in it."""
    return {
        "event": "key_rotated",
        "event_message": "Key Rotated",
        "event_group": "key",
        "spend": 0.0,
        **{name: getattr(new, name) for name in new.__struct_fields__ if name != "secret"},
        "key": new.secret.reveal(),
    }
