"""Sessions of servers, as clients know them: sealed, so that any worker can go on with them."""

import msgspec

from gateway.errors import NotFound
from gateway.hooks import Sealing

__all__ = ["SESSION", "Sessions"]

SESSION = "mcp-session-id"
_PURPOSE = "mcp-session"
_CAPACITY = 4096


class _Sealed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Whose session it is, of which place, and what the servers call it."""

    owner: str
    place: str
    names: dict[str, str]


class Sessions:
    """Seals the session ids of servers (https://modelcontextprotocol.io/specification, transports).

    A client gets one text for them all. It is good for the key that began the session, on the path where it
    began, and on every worker and machine with the same salt key; nothing has to be kept here. What was
    opened of late is, so that a busy session is not opened anew with each message.
    """

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._opened: dict[str, _Sealed] = {}

    def close(self, owner: str, place: str, names: dict[str, str]) -> str:
        """The text for the client; `names` are the servers' own ids by the ids of the servers."""
        return self._sealing.close(_PURPOSE, msgspec.json.encode(_Sealed(owner, place, names)).decode())

    def open(self, owner: str, place: str, sealed: str) -> dict[str, str]:
        """What the servers call the session. Raises NotFound, upon which a client begins a new one."""
        found = self._opened.get(sealed) or self._open(sealed)
        if found is None or (found.owner, found.place) != (owner, place):
            raise NotFound("There is no such session here; begin a new one.", param=SESSION)
        return found.names

    def _open(self, sealed: str) -> _Sealed | None:
        text = self._sealing.open(_PURPOSE, sealed)
        try:
            found = None if text is None else msgspec.json.decode(text, type=_Sealed)
        except msgspec.DecodeError:
            return None
        if found is not None:
            if len(self._opened) >= _CAPACITY:
                self._opened.pop(next(iter(self._opened)))
            self._opened[sealed] = found
        return found
