"""Pictures that administrators upload: kept as data addresses, and read from them again."""

import base64
import binascii

import msgspec

from gateway.errors import BadRequest

__all__ = ["LARGEST", "Picture", "is_picture", "read_picture", "read_upload"]

LARGEST = 128 * 1024
"""Bytes of a picture: every worker keeps it."""
_SCHEME, _ENCODING = "data:", ";base64,"
# SVG is not among them, for it can carry scripts.
_KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


class Picture(msgspec.Struct, frozen=True):
    """A picture with what it is, as its first bytes say."""

    media_type: str
    data: bytes

    @property
    def address(self) -> str:
        """The picture as an address that holds it."""
        return f"{_SCHEME}{self.media_type}{_ENCODING}{base64.b64encode(self.data).decode()}"


def read_upload(data: bytes) -> Picture:
    """A picture that was sent. Raises BadRequest for one that is too large or of another kind."""
    if len(data) > LARGEST:
        raise _refuse(f"The picture must have at most {LARGEST} bytes.")
    found = _recognize(data)
    if found is None:
        raise _refuse("The picture must be PNG, JPEG, GIF or WebP.")
    return found


def is_picture(address: str) -> bool:
    """Whether an address holds its picture itself."""
    return address.startswith(_SCHEME)


def read_picture(address: str) -> Picture | None:
    """The picture that an address holds; None where it holds none that may be shown."""
    _, _, text = address.partition(_ENCODING)
    try:
        return _recognize(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None


def _recognize(data: bytes) -> Picture | None:
    for start, media_type in _KINDS.items():
        if data.startswith(start):
            return Picture(media_type, data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Picture("image/webp", data)
    return None


def _refuse(message: str) -> BadRequest:
    return BadRequest(f"file: {message}", param="file", type="bad_request_error")
