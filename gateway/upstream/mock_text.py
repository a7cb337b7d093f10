"""What the built-in provider answers: the same for the same request, always."""

import hashlib
import struct
from collections.abc import Mapping
from typing import cast

import msgspec

__all__ = [
    "MOCK_COMPLETION_TOKENS",
    "MOCK_PROMPT_TOKENS",
    "MOCK_TIME",
    "mock_answer",
    "mock_chunks",
    "mock_words",
]

MOCK_PROMPT_TOKENS = 10
MOCK_COMPLETION_TOKENS = 20
_USAGE = {
    "prompt_tokens": MOCK_PROMPT_TOKENS,
    "completion_tokens": MOCK_COMPLETION_TOKENS,
    "total_tokens": MOCK_PROMPT_TOKENS + MOCK_COMPLETION_TOKENS,
}
_EMBEDDING_USAGE = {"prompt_tokens": MOCK_PROMPT_TOKENS, "total_tokens": MOCK_PROMPT_TOKENS}
_DEFAULT_TEXT = "This is a mock response: no model was asked."
MOCK_TIME = 1_700_000_000
"""A fixed time in seconds since 1970, so that equal requests get equal answers."""
_DEFAULT_DIMENSIONS = 1536
_MOST_DIMENSIONS = 8192
_WORDS_PER_CHUNK = 2

_encode = msgspec.json.Encoder().encode


def mock_answer(path: str, members: Mapping[str, object], body: bytes) -> dict[str, object]:
    """Return the whole answer to the decoded request; `path` is the endpoint's, `body` seeds the id."""
    if path == "embeddings":
        return _embeddings(members)
    choice: dict[str, object] = {"index": 0, "logprobs": None, "finish_reason": "stop"}
    if path == "completions":
        choice["text"] = _text(members)
    else:
        choice["message"] = {"role": "assistant", "content": _text(members), "refusal": None}
    return _envelope(path, members, body) | {"choices": [choice], "usage": _USAGE}


def mock_chunks(path: str, members: Mapping[str, object], body: bytes) -> list[bytes]:
    """Return the events of a stream, one per chunk; the one with usage only if it was asked for."""
    head = _envelope(path, members, body, kind=".chunk")
    events: list[dict[str, object]] = [
        head | {"choices": [_delta(path, piece, is_first=at == 0)]}
        for at, piece in enumerate(mock_words(members))
    ]
    events.append(head | {"choices": [_delta(path, None, is_first=False)]})
    options = members.get("stream_options")
    if isinstance(options, dict) and cast("dict[str, object]", options).get("include_usage") is True:
        nothing: list[object] = []
        events.append(head | {"choices": nothing, "usage": _USAGE})
    return [*(b"data: " + _encode(event) + b"\n\n" for event in events), b"data: [DONE]\n\n"]


def mock_words(members: Mapping[str, object]) -> list[str]:
    """The text of the answer in pieces of two words."""
    words = _text(members).split(" ")
    pieces = [" ".join(words[at : at + _WORDS_PER_CHUNK]) for at in range(0, len(words), _WORDS_PER_CHUNK)]
    return [piece if at == 0 else " " + piece for at, piece in enumerate(pieces)]


def _delta(path: str, piece: str | None, *, is_first: bool) -> dict[str, object]:
    reason = "stop" if piece is None else None
    if path == "completions":
        return {"index": 0, "text": piece or "", "logprobs": None, "finish_reason": reason}
    delta: dict[str, object] = {} if piece is None else {"content": piece}
    if is_first:
        delta = {"role": "assistant", **delta}
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _envelope(path: str, members: Mapping[str, object], body: bytes, kind: str = "") -> dict[str, object]:
    digest = hashlib.sha256(body).hexdigest()[:24]
    is_chat = path == "chat/completions"
    return {
        "id": ("chatcmpl-" if is_chat else "cmpl-") + digest,
        "object": "chat.completion" + kind if is_chat else "text_completion",
        "created": MOCK_TIME,
        "model": members.get("model"),
    }


def _text(members: Mapping[str, object]) -> str:
    text = members.get("mock_response")
    return text if isinstance(text, str) and text else _DEFAULT_TEXT


def _embeddings(members: Mapping[str, object]) -> dict[str, object]:
    wanted = members.get("dimensions")
    size = wanted if type(wanted) is int and 0 < wanted <= _MOST_DIMENSIONS else _DEFAULT_DIMENSIONS
    is_base64 = members.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": at, "embedding": _vector(item, size, is_base64=is_base64)}
        for at, item in enumerate(_inputs(members.get("input")))
    ]
    return {"object": "list", "data": data, "model": members.get("model"), "usage": _EMBEDDING_USAGE}


def _inputs(value: object) -> list[object]:
    """A string, an array of strings, one array of tokens, or an array of such arrays."""
    if not isinstance(value, list):
        return [value]
    items = cast("list[object]", value)  # JSON arrays hold anything
    return [items] if items and isinstance(items[0], int) else items


def _vector(item: object, size: int, *, is_base64: bool) -> list[float] | bytes:
    """A vector of length 1 that depends on the input alone; bytes are encoded as base64 by msgspec."""
    noise = hashlib.shake_256(_encode(item)).digest(size * 2)
    numbers = [number - 32767.5 for number in struct.unpack(f"<{size}H", noise)]
    length = sum(number * number for number in numbers) ** 0.5
    vector = [number / length for number in numbers]
    return struct.pack(f"<{size}f", *vector) if is_base64 else vector
