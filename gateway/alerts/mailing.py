"""One mail through the SMTP server of the operator, with a deadline for all of it."""

import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage

import msgspec

from gateway.alerts.posting import PostRefused
from gateway.domain import Secret

__all__ = ["MailServer", "send_mail"]


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """The SMTP server of the operator; with `starttls` nothing is said before the connection is encrypted."""

    host: str
    port: int = 587
    sender: str
    username: str | None = None
    password: Secret | None = None
    starttls: bool = True


async def send_mail(
    server: MailServer, message: EmailMessage, recipients: Sequence[str], *, seconds: float
) -> None:
    """Send one mail to all recipients; each step may take `seconds`, and all of them twice as long.

    Raises OSError (also TimeoutError) or PostRefused: then it may be tried again.
    """
    try:
        async with asyncio.timeout(2 * seconds):
            await asyncio.to_thread(_deliver, server, message, recipients, seconds)
    except smtplib.SMTPException as error:
        raise PostRefused(f"The mail server refused: {type(error).__name__}.") from error


def _deliver(server: MailServer, message: EmailMessage, recipients: Sequence[str], seconds: float) -> None:
    with contextlib.closing(smtplib.SMTP(timeout=seconds)) as smtp:
        smtp.connect(server.host, server.port)
        if server.starttls:
            smtp.starttls(context=ssl.create_default_context())
        if server.username and server.password:
            smtp.login(server.username, server.password.reveal())
        smtp.send_message(message, to_addrs=list(recipients))
        smtp.quit()
