"""Tokens of encoded prompts, read off their bytes: nothing but the outline of the messages is decoded."""

import msgspec

__all__ = ["count_messages_tokens", "count_prompts", "count_text_tokens", "measure_messages"]

_BYTES_PER_TOKEN = 3
_TOKENS_PER_MESSAGE = 8
_TOKENS_PER_IMAGE = 1_105
"""An image at high detail in the largest size: 6 tiles of 170 tokens and 85 (OpenAI's vision guide)."""
_AUDIO_BYTES_PER_TOKEN = 533
"""Base64 of a tenth of a second at 32 kbit/s; OpenAI counts ten tokens a second."""
_FILE_BYTES_PER_TOKEN = 12
"""Base64 of 9 bytes; a page of a PDF is some 20 KB and 2,000 tokens, its picture included."""
_OPENING_BRACKET = ord("[")
_NOTHING = msgspec.Raw(b"")


class _Message(msgspec.Struct, frozen=True, gc=False):
    """A message of which only the content's kind matters."""

    content: msgspec.Raw = _NOTHING


class _Part(msgspec.Struct, frozen=True, gc=False):
    """A part of a content, with the members that hold no text."""

    image_url: msgspec.Raw = _NOTHING
    input_audio: msgspec.Raw = _NOTHING
    file: msgspec.Raw = _NOTHING
    file_data: msgspec.Raw = _NOTHING


_decode_messages = msgspec.json.Decoder(list[_Message]).decode
_decode_parts = msgspec.json.Decoder(list[_Part]).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def count_messages_tokens(raw: msgspec.Raw) -> int:
    """Tokens of messages, or of items of a response; else its bytes are text."""
    size = memoryview(raw).nbytes
    try:
        messages = _decode_messages(raw)
    except (msgspec.DecodeError, RecursionError):
        return size // _BYTES_PER_TOKEN
    media_bytes, tokens = _measure_contents(messages)
    return tokens + (size - media_bytes) // _BYTES_PER_TOKEN + len(messages) * _TOKENS_PER_MESSAGE


def measure_messages(raw: msgspec.Raw) -> tuple[int, int]:
    """Bytes of images, audio and files in messages or items, and the tokens that they stand for."""
    try:
        return _measure_contents(_decode_messages(raw))
    except (msgspec.DecodeError, RecursionError):
        return 0, 0


def count_text_tokens(raw: msgspec.Raw) -> int:
    """Tokens of a prompt or an input: text, texts, tokens, or lists of tokens.

    A list of tokens has one more than commas.
    """
    data = bytes(raw)
    if data.startswith(b"[") and data.lstrip(b"[ \t\r\n")[:1].isdigit():
        return data.count(b",") + 1
    return len(data) // _BYTES_PER_TOKEN


def count_prompts(raw: msgspec.Raw) -> int:
    """How many prompts one request completes: a list of texts, or of lists of tokens, is several."""
    if not _begins_list(raw):
        return 1
    try:
        items = _decode_items(raw)
    except (msgspec.DecodeError, RecursionError):
        return 1
    return max(1, sum(not bytes(item)[:1].isdigit() for item in items))


def _begins_list(raw: msgspec.Raw) -> bool:
    view = memoryview(raw)
    return view.nbytes > 0 and view[0] == _OPENING_BRACKET


def _measure_contents(messages: list[_Message]) -> tuple[int, int]:
    size = tokens = 0
    for message in messages:
        content = message.content
        # What was decoded has at least one byte.
        if content is not _NOTHING and memoryview(content)[0] == _OPENING_BRACKET:
            media_bytes, media_tokens = _measure_media(content)
            size += media_bytes
            tokens += media_tokens
    return size, tokens


def _measure_media(content: msgspec.Raw) -> tuple[int, int]:
    """The bytes of a content that are no text, and the tokens that they stand for."""
    try:
        parts = _decode_parts(content)
    except (msgspec.DecodeError, RecursionError):
        return 0, 0
    size = tokens = 0
    for part in parts:
        if part.image_url is not _NOTHING:
            size += memoryview(part.image_url).nbytes
            tokens += _TOKENS_PER_IMAGE
        if part.input_audio is not _NOTHING:
            encoded = memoryview(part.input_audio).nbytes
            size += encoded
            tokens += encoded // _AUDIO_BYTES_PER_TOKEN + 1
        for file in (part.file, part.file_data):
            if file is not _NOTHING:
                encoded = memoryview(file).nbytes
                size += encoded
                tokens += encoded // _FILE_BYTES_PER_TOKEN + 1
    return size, tokens
