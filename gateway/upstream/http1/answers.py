"""Reads answers, by llhttp, which refuses what could be read in two ways."""

import httptools
import msgspec

from gateway.hooks import HeaderPairs
from gateway.upstream.http1.heads import list_values

__all__ = ["AnswerHead", "AnswerReader"]

_MOST_BYTES = 64 * 1024
"""So much may come of a head, of trailers or of the line before a chunk."""
_FIRST_STATUS, _FIRST_FINAL = 100, 200


class AnswerHead(msgspec.Struct, frozen=True):
    """The head of an answer, names in lower case; after one that `is_last` the connection is closed."""

    status: int
    headers: HeaderPairs
    is_last: bool


class AnswerReader:
    """Reads the answer to one request (RFC 9112), past those that only say that the server is at work.

    `has_more` is whether anything came after its end. What follows is called by llhttp.
    """

    __slots__ = (
        *("_fields", "_found", "_is_endless", "_is_head_only", "_is_interim", "_parser", "_unused"),
        *("has_more", "head", "is_ended"),
    )

    def __init__(self, method: str) -> None:
        self.head: AnswerHead | None = None
        self.is_ended = False
        self.has_more = False
        self._is_head_only = method == "HEAD"
        self._is_endless = False
        """Whether the end of the connection is that of the body."""
        self._is_interim = False
        self._fields: list[tuple[str, str]] = []
        self._found: list[bytes] = []
        self._unused = 0
        """Bytes that came since there was anything of a body."""
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> bytes:
        """Return what is of the body. Raises ValueError for what is no answer."""
        parser = self._parser
        if parser is None:
            self.has_more = self.has_more or bool(data)
            return b""
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self.is_ended:
                raise ValueError("no answer of HTTP/1.1") from None
            self.has_more = True
        found, self._found = self._found, []
        self._unused = 0 if found else self._unused + len(data)
        if self._unused > _MOST_BYTES:
            raise ValueError("a head, a trailer or a line is too long")
        return found[0] if len(found) == 1 else b"".join(found)

    def finish(self) -> None:
        """Note that the connection has ended. Raises ValueError for an answer that has not."""
        if not self.is_ended and not self._is_endless:
            raise ValueError("the answer has not ended")
        self._end()

    def _end(self) -> None:
        self.is_ended = True
        # It knows the reader in turn.
        self._parser = None

    def on_message_begin(self) -> None:
        """A head begins: the answer's, or that of something nobody has asked for."""
        self.has_more = self.is_ended
        self._is_interim = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the head, or a trailer, which is dropped."""
        if self.head is None:
            text = value.decode("utf-8", "surrogateescape").rstrip(" \t")
            self._fields.append((name.decode("ascii").lower(), text))

    def on_headers_complete(self) -> None:
        """The head ends. Raises ValueError for a body whose end llhttp and others may see elsewhere."""
        parser = self._parser
        if parser is None:
            return
        status, headers = parser.get_status_code(), tuple(self._fields)
        if status < _FIRST_FINAL:
            if status < _FIRST_STATUS:
                raise ValueError("no status")
            self._is_interim = True
            self._fields.clear()
            return
        codings = list_values(headers, "transfer-encoding")
        if codings and [coding.lower() for coding in codings] != ["chunked"]:
            raise ValueError("a coding that is not known")
        keeps = parser.should_keep_alive()
        self._is_endless = not keeps and not codings and not list_values(headers, "content-length")
        self.head = AnswerHead(status, headers, is_last=not keeps or self._is_head_only)
        if self._is_head_only:
            # llhttp does not know what was asked for, and waits for a body.
            self._end()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if not self.is_ended:
            self._found.append(body)

    def on_message_complete(self) -> None:
        """The end of the body."""
        if not self._is_interim:
            self._end()
