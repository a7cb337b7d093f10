"""A gateway that serves somewhere else, as commands ask it."""

import http.client
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlsplit

from gateway.errors import BadRequest, GatewayError

__all__ = ["ask_gateway"]

_SECONDS = 30.0


def ask_gateway(
    url: str, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    """Return status and body of the answer; raises BadRequest for an address that is none, GatewayError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRequest(f"'{url[:200]}' is no address of a gateway; write http://host:port.", param="url")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        # It follows no redirect: the credential goes where the operator said and nowhere else.
        with closing(kind(parts.hostname, parts.port, timeout=_SECONDS)) as connection:
            connection.request(method, parts.path.rstrip("/") + path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise GatewayError(
            f"The gateway at {url} does not answer: {error or type(error).__name__}."
        ) from None
