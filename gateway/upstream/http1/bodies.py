"""Where the body of an answer ends (RFC 9112 section 6)."""

import re
from typing import Protocol

from gateway.upstream.http1.heads import AnswerHead, list_values

__all__ = ["AnswerBody", "open_body"]

_SWITCHED, _NO_CONTENT, _NOT_MODIFIED = 101, 204, 304
_LENGTH = re.compile(r"[0-9]{1,18}")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_LONGEST_LINE = 16 * 1024
_CHUNKED = "chunked"
_LINE_END = b"\r\n"


class AnswerBody(Protocol):
    """Takes what comes after a head; `rest` is what came after the end."""

    is_ended: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """Return what is of the body. Raises ValueError."""
        ...

    def finish(self) -> None:
        """Note that the connection has ended. Raises ValueError for a body that has not."""
        ...


def open_body(method: str, head: AnswerHead) -> AnswerBody:
    """Read how long a body is. Raises ValueError for what could be read in two ways."""
    codings = list_values(head.headers, "transfer-encoding")
    lengths = list_values(head.headers, "content-length")
    if head.status == _SWITCHED:
        raise ValueError("nobody asked for another protocol")
    if method == "HEAD" or head.status in {_NO_CONTENT, _NOT_MODIFIED}:
        return _Sized(0)
    if codings:
        if lengths or [coding.strip().lower() for coding in codings] != [_CHUNKED]:
            raise ValueError("a coding that is not known")
        return _Chunked()
    if not lengths:
        return _Endless()
    if len(set(lengths)) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise ValueError("no length")
    return _Sized(int(lengths[0]))


class _Sized:
    """A body of so many bytes."""

    __slots__ = ("_left", "is_ended", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.is_ended = not length
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        left = self._left - len(data)
        if left < 0:
            data, self.rest = data[:left], data[left:]
        self._left = max(left, 0)
        self.is_ended = left <= 0
        return data

    def finish(self) -> None:
        if not self.is_ended:
            raise ValueError("the body is too short")


class _Endless:
    """A body that the end of the connection ends."""

    __slots__ = ("is_ended", "rest")

    def __init__(self) -> None:
        self.is_ended = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> None:
        self.is_ended = True


class _Chunked:
    """A body in chunks; what follows the last one as trailers is dropped."""

    __slots__ = ("_at", "_data", "_is_trailing", "_left", "is_ended", "rest")

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self._left = 0
        """What is missing of a chunk, the line end after it included."""
        self._is_trailing = False
        self.is_ended = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        self._data = self._data + data if self._data else data
        self._at = 0
        found: list[bytes] = []
        while not self.is_ended and (self._read_chunk(found) if self._left else self._read_line()):
            pass
        self._data = self._data[self._at :]
        if self.is_ended:
            self.rest, self._data = self._data, b""
        return found[0] if len(found) == 1 else b"".join(found)

    def finish(self) -> None:
        if not self.is_ended:
            raise ValueError("the last chunk is missing")

    def _read_chunk(self, found: list[bytes]) -> bool:
        """Take what is there of a chunk; says whether it was all of it."""
        size = self._left - len(_LINE_END)
        if size > 0 and (part := self._data[self._at : self._at + size]):
            found.append(part)
            self._at += len(part)
            self._left -= len(part)
        end = self._data[self._at : self._at + len(_LINE_END)]
        if self._left > len(_LINE_END) or len(end) < len(_LINE_END):
            return False
        if end != _LINE_END:
            raise ValueError("a chunk is longer than it says")
        self._at += len(_LINE_END)
        self._left = 0
        return True

    def _read_line(self) -> bool:
        """Take the line before a chunk, or a trailer; says whether it was there."""
        end = self._data.find(_LINE_END, self._at)
        if (end if end >= 0 else len(self._data)) - self._at > _LONGEST_LINE:
            raise ValueError("a line is too long")
        if end < 0:
            return False
        line = self._data[self._at : end]
        self._at = end + len(_LINE_END)
        if self._is_trailing:
            self.is_ended = not line
            return True
        size = _SIZE.fullmatch(line)
        if size is None:
            raise ValueError("no size of a chunk")
        length = int(size[1], 16)
        self._left = length + len(_LINE_END) if length else 0
        self._is_trailing = not length
        return True
