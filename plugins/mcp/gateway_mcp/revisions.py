"""Which revisions of the protocol clients are told of, and may speak."""

from collections.abc import Collection, Iterator
from typing import cast

from gateway.errors import BadRequest, UpstreamError
from gateway.hooks import RequestHead
from gateway_mcp.sessions import SESSION
from gateway_mcp.wire import HANDSHAKE, HANDSHAKES, MODERN, PROTOCOL, STATED_PROTOCOL, Object

__all__ = ["EVERY", "UNSUPPORTED", "Revisions", "UnsupportedRevisionError", "read_agreed"]

_BEFORE_HEADERS = ("2024-11-05", "2025-03-26")
"""The revisions whose clients name none (transports, protocol version header)."""
UNSUPPORTED = -32022
"""The code of the refusal of a revision."""


class UnsupportedRevisionError(BadRequest):
    """A client speaks a revision that is not spoken here."""

    rpc_code = UNSUPPORTED

    def __init__(self, message: str, supported: Collection[str], requested: str) -> None:
        data = {"supported": list(supported), "requested": requested[:100]}
        super().__init__(message, param=PROTOCOL, details={"data": data})


class Revisions:
    """The revisions of some path; with `advertised` None those that its servers speak, whichever they are."""

    def __init__(self, advertised: Collection[str] | None = None) -> None:
        self._advertised = advertised
        self.handshakes = tuple(one for one in HANDSHAKES if self.has(one))
        """Those with sessions, the oldest first."""

    @property
    def is_limited(self) -> bool:
        """Whether there may be others."""
        return self._advertised is not None

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, the oldest first."""
        return (*self.handshakes, MODERN) if self.has(MODERN) else self.handshakes

    @property
    def oldest(self) -> str:
        """What a client speaks that says nothing of it."""
        return _BEFORE_HEADERS[0]

    def has(self, revision: object) -> bool:
        """Whether it is one of them."""
        return self._advertised is None or revision in self._advertised

    def narrowed(self, revision: str | None) -> "Revisions":
        """This one only, if it is one of them."""
        if revision is None:
            return self
        return Revisions((revision,) if self.has(revision) else ())

    def keep(self, stated: object) -> list[object]:
        """Of a list those that are spoken here."""
        items = cast("list[object]", stated) if isinstance(stated, list) else []
        return [one for one in items if self.has(one)]

    def check_head(self, head: RequestHead) -> None:
        """Raise UnsupportedRevisionError for a request that names another revision."""
        stated = head.headers.get(PROTOCOL)
        if stated is not None and not self.has(stated):
            raise self.refuse(stated)

    def check(self, head: RequestHead, message: Object) -> None:
        """Raise UnsupportedRevisionError for a message of another revision."""
        if self._advertised is None:
            return
        stated = list(_stated(head, message))
        for revision in stated:
            if not self.has(revision):
                raise self.refuse(revision)
        is_of_session = message.get("method") == "initialize" or SESSION in head.headers
        if not stated and not is_of_session and not any(map(self.has, _BEFORE_HEADERS)):
            raise self.refuse(_BEFORE_HEADERS[-1])

    def agree(self, wished: object) -> str:
        """The revision of a handshake. Raises UnsupportedRevisionError where there is none with one."""
        if wished in self.handshakes:
            return cast("str", wished)
        if not self.handshakes:
            raise self.refuse(str(wished))
        return self.handshakes[-1]

    def refuse(self, requested: str) -> UnsupportedRevisionError:
        """The refusal of a revision."""
        spoken = ", ".join(self.all) or "none"
        text = f"The revision '{requested[:100]}' of MCP is not spoken here; those that are: {spoken}."
        return UnsupportedRevisionError(text, self.all, requested)


EVERY = Revisions()
"""Whatever servers speak."""


def _stated(head: RequestHead, message: Object) -> Iterator[str]:
    """What a request says of its revision, in whichever place; a handshake is agreed on."""
    header, params = head.headers.get(PROTOCOL), message.get("params")
    if header is not None:
        yield header
    meta = cast("Object", params).get("_meta") if isinstance(params, dict) else None
    in_message = cast("Object", meta).get(STATED_PROTOCOL) if isinstance(meta, dict) else None
    if in_message is not None:
        yield str(in_message)
    if message.get("method") == "server/discover":
        yield MODERN


def read_agreed(result: Object, name: str, pinned: str | None) -> str:
    """The revision that a server has agreed on. Raises UpstreamError for another one than the operator's."""
    agreed = str(result.get("protocolVersion", pinned or HANDSHAKE))
    if pinned is not None and agreed != pinned:
        message = f"speaks the revision '{agreed[:100]}', and its 'protocol_version' says '{pinned}'"
        raise UpstreamError(f"The MCP server '{name}' {message}.")
    return agreed
