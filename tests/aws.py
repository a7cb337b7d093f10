"""A server behind AWS's gate for tests, which looks at signatures as AWS does, and a service of roles."""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from tests.mcp_servers import McpFixture
from tests.oidc import OidcProvider

__all__ = ["RoleService", "SignedServer"]

_PATH = "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aeu-west-1%3A1%3Aruntime%2Ftickets/invocations"
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(([^/]+)/([^/]+)/([^/]+)/aws4_request), "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


class SignedServer(McpFixture):
    """Serves at the address of a runtime; `keys` are the secrets of those who may ask, by their ids.

    `asked` has the id, region, service and token of every request that was signed rightly; others get 403.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.keys: dict[str, str] = {}
        self.asked: list[tuple[str, str, str, str]] = []
        self.path = self.url.rpartition("/")[2]
        self.url = self.url.rpartition("/")[0] + _PATH + "?qualifier=DEFAULT&b=2&a=%2F"

    def _watched(self, app: Any) -> Any:
        inner = super()._watched(app)

        async def gate(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await inner(scope, receive, send)
                return
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), message.get("more_body", False)
            if not self._admit(scope, body):
                await send({"type": "http.response.start", "status": 403, "headers": []})
                await send({"type": "http.response.body", "body": b'{"message": "no"}'})
                return
            pieces = [{"type": "http.request", "body": body, "more_body": False}]

            async def replay() -> Any:
                return pieces.pop() if pieces else await receive()

            path = f"/{self.path}" if scope["raw_path"] == _PATH.encode() else scope["path"]
            await inner({**scope, "path": path, "raw_path": path.encode()}, replay, send)

        return gate

    def _admit(self, scope: Any, body: bytes) -> bool:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        found = _SIGNED.fullmatch(headers.get("authorization", ""))
        if found is None:
            return False
        identifier, span, day, region, service, names, signature = found.groups()
        query = sorted(pair.partition("=")[::2] for pair in scope["query_string"].decode().split("&"))
        canonical = "\n".join(
            [
                scope["method"],
                quote(scope["raw_path"].decode(), safe="/~"),
                "&".join(f"{name}={value}" for name, value in query),
                *(f"{name}:{headers[name].strip()}" for name in names.split(";")),
                "",
                names,
                hashlib.sha256(body).hexdigest(),
            ]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{self.keys.get(identifier, '')}".encode()
        for part in (day, region, service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{span}\n{digest}"
        told = headers.get("x-amz-security-token", "")
        is_whole = {"host", "x-amz-date", *(["x-amz-security-token"] if told else [])} <= set(
            names.split(";")
        )
        if not is_whole or hmac.digest(key, text.encode(), "sha256").hex() != signature:
            return False
        self.asked.append((identifier, region, service, told))
        return True


class RoleService(OidcProvider):
    """Lends the keys of a role for as long as it `lasts`, in seconds.

    `lent` has what was asked for, and `refusal` is said instead of keys.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lent: list[tuple[dict[str, str], str]] = []
        self.refusal = ""
        self.lasts = 3600

    def _answer(self, path: str, authorization: str, posted: str) -> tuple[int, bytes]:
        fields = dict(parse_qsl(posted))
        self.lent.append((fields, authorization))
        if self.refusal:
            said = f"<Code>{self.refusal}</Code><Message>arn:secret</Message>"
            return 403, f"<ErrorResponse><Error>{said}</Error></ErrorResponse>".encode()
        ends = (datetime.now(UTC) + timedelta(seconds=self.lasts)).isoformat()
        keys = (
            f"<AccessKeyId>LENT{len(self.lent)}</AccessKeyId><SecretAccessKey>lent-secret</SecretAccessKey>"
            f"<SessionToken>lent-token</SessionToken><Expiration>{ends}</Expiration>"
        )
        result = f"<AssumeRoleResult><Credentials>{keys}</Credentials></AssumeRoleResult>"
        space = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
        return 200, f"<AssumeRoleResponse {space}>{result}</AssumeRoleResponse>".encode()
