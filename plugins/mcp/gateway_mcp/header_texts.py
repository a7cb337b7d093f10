"""Names and addresses in headers (https://modelcontextprotocol.io/specification, transports, 2026-07-28)."""

import base64
import binascii

__all__ = ["read_header", "write_header"]

_BEGINS, _ENDS = "=?base64?", "?="


def write_header(text: str) -> str:
    """The value that stands for a text: itself where a header can hold it, else in base64."""
    is_plain = text.isascii() and text.isprintable() and text == text.strip()
    if is_plain and not _is_encoded(text):
        return text
    return f"{_BEGINS}{base64.b64encode(text.encode(errors='surrogatepass')).decode()}{_ENDS}"


def read_header(value: str) -> str | None:
    """The text that a value stands for; None for base64 that `write_header` would not have written."""
    if not _is_encoded(value):
        return value
    encoded = value[len(_BEGINS) : -len(_ENDS)]
    try:
        decoded = base64.b64decode(encoded, validate=True)
        text = decoded.decode()
    except (binascii.Error, ValueError):
        return None
    return text if base64.b64encode(decoded).decode() == encoded else None


def _is_encoded(text: str) -> bool:
    return text.startswith(_BEGINS) and text.endswith(_ENDS) and len(text) >= len(_BEGINS) + len(_ENDS)
