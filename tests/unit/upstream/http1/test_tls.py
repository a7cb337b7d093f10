"""Whom the client of pass-throughs believes over TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import UpstreamUnreachable
from gateway.hooks import ForwardRequest
from gateway.upstream.http1.client import Http1Client
from tests.certificates import write_certificate

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path)


@pytest.fixture
async def port(certificate: Path) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(host: str, port: int) -> tuple[int, bytes]:
    client = Http1Client()
    request = ForwardRequest("GET", f"https://{host}:{port}/", (), None, 5.0, 5.0, 1_000)
    try:
        async with client.forward(request) as stream:
            return stream.status, await stream.read_chunk()
    finally:
        await client.close()


async def test_a_server_whose_certificate_the_system_trusts_is_asked(port, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert await ask("localhost", port) == (200, b"fine")


async def test_a_certificate_that_nobody_vouches_for_is_refused(port, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    with pytest.raises(UpstreamUnreachable, match="Cannot connect"):
        await ask("localhost", port)


async def test_a_certificate_of_another_host_is_refused(port, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with pytest.raises(UpstreamUnreachable, match="Cannot connect"):
        await ask("127.0.0.1", port)
