"""Mails to one person that somebody asked for: a new key, an invitation."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage

import msgspec
import structlog

from gateway.alerts.mailing import MailServer, send_mail
from gateway.alerts.posting import PostRefused
from gateway.domain import Secret

__all__ = ["Invitation", "KeyLetter", "Letters"]

_SECONDS = 10.0
_PAUSES = (1.0, 5.0, 25.0)
"""Between attempts, as for alerts."""


class KeyLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A key for its user: the secret, and what the user calls the key."""

    recipient: str
    secret: Secret
    name: str
    base_url: str = ""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation to choose a password; whoever has its id can. `expires_at` is UTC."""

    recipient: str
    user_id: str
    id: Secret
    expires_at: datetime
    base_url: str = ""


class Letters:
    """Sends by the operator's mail server, where there is one; what cannot be sent is logged."""

    def __init__(
        self, server: MailServer | None, *, seconds: float = _SECONDS, pauses: Sequence[float] = _PAUSES
    ) -> None:
        self._server = server
        self._seconds = seconds
        self._pauses = pauses
        self._log = structlog.get_logger(__name__)

    @property
    def can_send(self) -> bool:
        """Whether there is a mail server."""
        return self._server is not None

    async def send_key(self, letter: KeyLetter) -> None:
        """Bring a key to its user."""
        lines = (
            f"You have a key for the LLM gateway{_at(letter.base_url)}: {_line(letter.name)}",
            "",
            letter.secret.reveal(),
            "",
            "It is shown here only. Keep it secret: whoever has it spends what it may spend.",
            "",
        )
        await self._send("key", letter.recipient, "Gatewright: your key", lines)

    async def send_invitation(self, letter: Invitation) -> None:
        """Bring an invitation to the invited user."""
        identifier = letter.id.reveal()
        claim = f"POST {letter.base_url}/onboarding/claim_token"
        body = msgspec.json.encode(
            {"invitation_link": identifier, "user_id": letter.user_id, "password": "..."}
        )
        lines = (
            f"You are invited to the LLM gateway{_at(letter.base_url)} as {_line(letter.user_id)}.",
            "",
            f"Choose a password until {letter.expires_at:%Y-%m-%d %H:%M} UTC, in your console",
            "",
            f"{letter.base_url}/ui?invitation_id={identifier}",
            "",
            "or with this request:",
            "",
            claim,
            body.decode(),
            "",
        )
        await self._send("invitation", letter.recipient, "Gatewright: choose your password", lines)

    async def _send(self, kind: str, recipient: str, subject: str, lines: Sequence[str]) -> None:
        if self._server is None:
            return
        message = EmailMessage()
        message["Subject"] = subject
        message["From"] = self._server.sender
        message["To"] = address = _line(recipient)
        message.set_content("\n".join(lines))
        for pause in (*self._pauses, None):
            try:
                await send_mail(self._server, message, (address,), seconds=self._seconds)
            except (OSError, PostRefused) as error:
                if pause is None:
                    reason = f"{type(error).__name__}: {error}"
                    self._log.warning("letter_not_sent", letter=kind, recipient=recipient, reason=reason)
                    return
                await asyncio.sleep(pause)
            else:
                return


def _at(base_url: str) -> str:
    return f" at {base_url}" if base_url else ""


def _line(text: str) -> str:
    """A text of a client on one line, so that it cannot pretend to be a part of the letter."""
    return " ".join(text.split())
