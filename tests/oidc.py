"""An OIDC provider on loopback: real keys, real signatures, over HTTP."""

import asyncio
import base64
import hashlib
import json
import time
from collections import Counter
from functools import cache
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

__all__ = ["OidcProvider", "encode", "make_key", "sign"]

Key = RSAKey | ECKey | OKPKey


@cache
def make_key(kid: str, kind: str = "RSA", size: int | str = 2048) -> Key:
    """A key pair; the same for the same words, as making one takes a while."""
    parameters: Any = {"kid": kid, "use": "sig"}
    if kind == "RSA":
        return RSAKey.generate_key(int(size), parameters)
    if kind == "EC":
        return ECKey.generate_key(str(size) if size != 2048 else "P-256", parameters)  # type: ignore[arg-type]  a curve
    return OKPKey.generate_key("Ed25519", parameters)


def sign(key: Any, claims: object, algorithm: str = "RS256", **header: object) -> str:
    """A token of these claims; its `kid` is the key's unless given, and None leaves a member out."""
    head: dict[str, object] = {"alg": algorithm, "kid": getattr(key, "kid", None), "typ": "JWT", **header}
    said = {name: value for name, value in head.items() if value is not None}
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{encode(json.dumps(said).encode())}.{encode(body)}"
    signature = JWSRegistry.algorithms[algorithm].sign(signed.encode(), key)
    return f"{signed}.{encode(signature)}"


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class OidcProvider:
    """`async with OidcProvider() as provider:` publishes `keys` at `issuer` until the block ends.

    `requests` counts what was asked by path. `status` other than 200 is answered to everything. While `gate`
    is cleared, nothing is answered. `documents` replaces the answer of a path. `client` is the id and secret
    of the only client, `user_info` what is told to whoever has an access token.
    """

    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys) or [make_key("first")]
        self.requests: Counter[str] = Counter()
        self.status = 200
        self.documents: dict[str, bytes] = {}
        self.client = ("gatewright", "the client's secret")
        self.codes: dict[str, dict[str, Any]] = {}
        self.user_info: dict[str, object] = {}

    async def __aenter__(self) -> Self:
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.issuer = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop listening, and close what is open."""
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def jwks_url(self) -> str:
        return f"{self.issuer}/jwks"

    @property
    def discovery_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    def token(self, *, key: Key | None = None, algorithm: str = "RS256", **claims: object) -> str:
        """A genuine token that holds for an hour; a claim of None is left out."""
        said: dict[str, object] = {
            "iss": self.issuer,
            "aud": "gateway",
            "sub": "ada",
            "exp": int(time.time()) + 3600,
            **claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        return sign(key or self.keys[0], said, algorithm)

    def publish(self, path: str) -> bytes | None:
        """What is answered for a path; None is not found."""
        if path in self.documents:
            return self.documents[path]
        if path == "/jwks":
            return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()
        if path == "/.well-known/openid-configuration":
            return json.dumps(
                {
                    "issuer": self.issuer,
                    "jwks_uri": self.jwks_url,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "userinfo_endpoint": f"{self.issuer}/userinfo",
                }
            ).encode()
        return None

    def log_in(self, address: str, **claims: object) -> dict[str, str]:
        """Let a browser in that was sent to `address` of ours; returns the query that it comes back with.

        `claims` are what the ID token says beside the usual; None leaves one out.
        """
        asked = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{len(self.codes)}"
        self.codes[code] = {**asked, "claims": claims}
        return {"code": code, "state": asked["state"]}

    def redeem(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        """The token endpoint: a code works once, for its client, its address and its verifier."""
        asked = self.codes.pop(fields.get("code", ""), None)
        pair = f"{self.client[0]}:{quote(self.client[1], safe='')}"
        expected = base64.b64encode(pair.encode()).decode()
        if asked is None or authorization != f"Basic {expected}":
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        same_address = fields.get("redirect_uri") == asked["redirect_uri"]
        if not same_address or encode(digest) != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        claims = {"aud": self.client[0], "nonce": asked.get("nonce"), **asked["claims"]}
        granted: dict[str, object] = {"access_token": "access", "token_type": "Bearer"}
        if "openid" in asked["scope"]:
            granted["id_token"] = self.token(**claims)
        return 200, granted

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            path = lines[0].split(" ", 2)[1].partition("?")[0]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            posted = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
            self.requests[path] += 1
            self.arrived.set()
            await self.gate.wait()
            status, body = self._answer(path, headers.get("authorization", ""), posted)
            size = b"content-length: %d\r\n" % len(body)
            writer.write(b"HTTP/1.1 %d X\r\n%bconnection: close\r\n\r\n%b" % (status, size, body))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def _answer(self, path: str, authorization: str, posted: str) -> tuple[int, bytes]:
        if path == "/token":
            status, granted = self.redeem(dict(parse_qsl(posted)), authorization)
            return (status if self.status == 200 else self.status), json.dumps(granted).encode()
        if path == "/userinfo":
            is_known = authorization == "Bearer access"
            return (self.status if is_known else 401), json.dumps(self.user_info).encode()
        body = self.publish(path)
        return (404, b"{}") if body is None else (self.status, body)
