"""How deep the JSON of a body is nested, for operators who bound it more tightly than the decoder does."""

from itertools import accumulate

from gateway.errors import MalformedBody

__all__ = ["check_depth"]

_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.__getitem__


def check_depth(data: bytes, limit: int) -> None:
    """Raise MalformedBody for JSON that is nested deeper than `limit` levels, the outermost object included.

    `data` was read as JSON before. A body with no more opening brackets than that, in its texts too, is seen
    not to be without being looked at any closer.
    """
    if _has_more_openings(data, limit) and _depth(data) > limit:
        message = (
            f"The JSON of the request body is nested deeper than {limit} levels, the limit of this gateway."
        )
        raise MalformedBody(message, param="body")


def _has_more_openings(data: bytes, limit: int) -> bool:
    # `bytes.find` looks at 40 bytes in the time in which `bytes.count` looks at one.
    count = 0
    for opening in (b"{", b"["):
        position = data.find(opening)
        while position >= 0:
            count += 1
            if count > limit:
                return True
            position = data.find(opening, position + 1)
    return False


def _depth(data: bytes) -> int:
    # Without escaped backslashes and then quotes, every quote left begins or ends a text.
    parts = data.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
    brackets = b"".join(parts[::2]).translate(None, _OTHERS)
    return max(accumulate(map(_STEP, brackets)), default=0)
