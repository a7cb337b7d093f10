"""Receivers on loopback: an HTTP server, and a mail server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope

from gateway.db.engine import Database
from gateway.db.url import parse_database_url


@dataclass
class Receiver:
    """Answers POSTs with the next of `answers`, then with 200; None does not answer at all."""

    answers: list[bytes | None] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    url: str = ""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line[16:]) for line in head.lower().split("\r\n") if line.startswith("content-length: ")
        )
        self.bodies.append(json.loads(await reader.readexactly(length)))
        self.targets.append(head.split(" ", 2)[1])
        answer = self.answers.pop(0) if self.answers else b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
            await writer.drain()
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{port}/services/T0/B0/secret"
    yield receiver
    server.close()
    await server.wait_closed()


@dataclass
class Mailbox:
    """Every mail that arrived, with its envelope's recipients."""

    port: int = 0
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    refusal: str | None = None

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        if self.refusal is not None:
            return self.refusal
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((envelope.rcpt_tos, mail))
        return "250 OK"


@asynccontextmanager
async def mailbox_server() -> AsyncIterator[Mailbox]:
    """A mail server on loopback."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, hostname="localhost"), "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    yield mailbox
    server.close()
    await server.wait_closed()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with mailbox_server() as mailbox:
        yield mailbox


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    database = Database(parse_database_url(migrated_database_url))
    await database.open()
    yield database
    await database.close()
