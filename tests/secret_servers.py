"""A Vault and a Conjur on loopback, as far as secrets are read there."""

import asyncio
import base64
import json
from collections import Counter
from typing import Self
from urllib.parse import unquote

__all__ = ["ConjurServer", "SecretServer", "VaultServer"]


class SecretServer:
    """`async with` serves `secrets` until the block ends; `requests` counts what was asked, by path.

    `status` other than 200 is answered to everything.
    """

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets
        self.status = 200
        self.requests: Counter[str] = Counter()
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        self.headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = await reader.readexactly(int(self.headers.get("content-length", 0)))
        self.requests[path] += 1
        status, content = (self.status, b"") if self.status != 200 else self.answer(method, path, body)
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n".encode()
        )
        writer.write(content)
        await writer.drain()
        writer.close()


class VaultServer(SecretServer):
    """Knows the tokens in `tokens`, and one AppRole, which is given a new token at each login."""

    role = ("role-id", "role-secret-of-the-tests")

    def __init__(self, **secrets: str) -> None:
        super().__init__(**secrets)
        self.tokens = {"root-token-of-the-tests"}
        self.prefix = "/v1/secret/data/"

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/v1/auth/approle/login" and method == "POST":
            sent = json.loads(body)
            if (sent["role_id"], sent["secret_id"]) != self.role:
                return 400, b"{}"
            token = f"token-{len(self.tokens)}"
            self.tokens.add(token)
            return 200, json.dumps({"auth": {"client_token": token}}).encode()
        if self.headers.get("x-vault-token") not in self.tokens:
            return 403, b"{}"
        if path == "/v1/auth/token/lookup-self":
            return 200, b"{}"
        name = path.removeprefix(self.prefix)
        if name not in self.secrets:
            return 404, b"{}"
        return 200, json.dumps({"data": {"data": {"key": self.secrets[name]}, "metadata": {}}}).encode()


class ConjurServer(SecretServer):
    """Has one account and one host; every login makes the token before it void."""

    def __init__(self, **secrets: str) -> None:
        super().__init__(**secrets)
        self.key = "api-key-of-the-tests"
        self.token = b""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/authn/company/host%2Fgateway/authenticate" and method == "POST":
            if body.decode() != self.key:
                return 401, b""
            self.token = f'{{"n": {sum(self.requests.values())}}}'.encode()
            return 200, self.token
        given = f'Token token="{base64.b64encode(self.token).decode()}"'
        if not self.token or self.headers.get("authorization") != given:
            return 401, b""
        name = unquote(path.removeprefix("/secrets/company/variable/"))
        return (200, self.secrets[name].encode()) if name in self.secrets else (404, b"")
