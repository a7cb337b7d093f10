"""What a management write tells every worker to forget."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from gateway.domain import Scope
from gateway.identity.principals import Principals
from gateway.identity.subjects import Subjects

__all__ = ["CHANNEL", "Invalidation", "decode_scopes", "encode_scopes"]

CHANNEL = "gatewright_identity"
"""The PostgreSQL channel of these notices."""

# PostgreSQL refuses payloads of 8,000 bytes and more; an id of the longest sensible kind has 500.
_SCOPES_PER_PAYLOAD = 12
_LONGEST_PAYLOAD = 7_900
_EVERYTHING = "*"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Scope]).decode


def encode_scopes(scopes: Iterable[Scope]) -> Iterator[str]:
    """Write the changed objects as payloads, in parts that PostgreSQL accepts.

    A part that would be too long all the same says that everything must be forgotten.
    """
    listed = list(scopes)
    for start in range(0, len(listed), _SCOPES_PER_PAYLOAD):
        payload = _encode(listed[start : start + _SCOPES_PER_PAYLOAD])
        yield payload.decode() if len(payload) <= _LONGEST_PAYLOAD else _EVERYTHING


def decode_scopes(payload: str) -> list[Scope] | None:
    """Read a payload; None means everything, which is also the answer to one that cannot be read."""
    try:
        return _decode(payload)
    except msgspec.DecodeError:
        # A newer or older release may be writing to the same database: forgetting too much is safe.
        return None


class Invalidation:
    """Drops what a notice names, and tells `listeners` what changed: None means everything.

    A key by its hash, the keys of a team, user, organization, project or agent; an end user, tag or agent. A
    changed budget row, object permission or access group is announced by everything that uses it, or by `*`.
    """

    def __init__(
        self,
        principals: Principals,
        subjects: Subjects,
        listeners: Sequence[Callable[[list[Scope] | None], None]] = (),
    ) -> None:
        self._principals = principals
        self._subjects = subjects
        self._listeners = listeners

    def apply(self, payload: str) -> None:
        """Act on one notice."""
        scopes = decode_scopes(payload)
        if scopes is None:
            self.forget_everything()
        else:
            self._principals.drop(scopes)
            self._subjects.drop(scopes)
            self._tell(scopes)

    def forget_everything(self) -> None:
        """After the listener was away: notices may have been missed."""
        self._principals.clear()
        self._subjects.clear()
        self._tell(None)

    def _tell(self, scopes: list[Scope] | None) -> None:
        for listener in self._listeners:
            listener(scopes)
