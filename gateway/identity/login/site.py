"""Where the gateway is, as its clients see it."""

from urllib.parse import urlsplit

from gateway.hooks import RequestHead

__all__ = ["find_address"]

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def find_address(stated: str, head: RequestHead) -> str:
    """What the operator states; what a request says is believed of the same machine only.

    A `Host` header is anybody's to write, and logins are sent to what is found here. Nothing where the
    address cannot be told.
    """
    if stated:
        return stated
    host = head.headers.get("host", "")
    try:
        is_here = urlsplit(f"//{host}").hostname in _HERE
    except ValueError:
        is_here = False
    return f"http://{host}" if is_here else ""
