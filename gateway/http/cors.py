"""Cross-origin requests (Fetch standard, section 3.2), at no cost for the others."""

from litestar.config.cors import CORSConfig

from gateway.wire.asgi import App, Message, Receive, Scope, Send

__all__ = ["with_cors"]

_NO_CONTENT = 204
_Pairs = list[tuple[bytes, bytes]]


def with_cors(app: App, config: CORSConfig | None) -> App:
    """Answer preflight requests, and mark answers to the origins that `config` allows.

    Litestar's own middleware parses the headers of every request, which costs a twentieth of a small one:
    this one looks for an Origin first. None wraps nothing.
    """
    if config is None:
        return app
    simple, preflight = _encode(config.simple_headers), _encode(config.preflight_headers)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        origin = _find(scope, b"origin") if scope["type"] == "http" else None
        if origin is None:
            await app(scope, receive, send)
            return
        is_allowed = config.is_origin_allowed(origin.decode("latin-1"))
        own: _Pairs = [] if config.is_allow_all_origins else [(b"vary", b"Origin")]
        if is_allowed and not config.is_allow_all_origins:
            own.append((b"access-control-allow-origin", origin))
        if scope["method"] == "OPTIONS" and _find(scope, b"access-control-request-method") is not None:
            headers = [*preflight, *own, *_requested_headers(scope, config)] if is_allowed else own
            await send({"type": "http.response.start", "status": _NO_CONTENT, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        added = [*simple, *own] if is_allowed else own

        async def mark(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await app(scope, receive, mark)

    return serve


def _requested_headers(scope: Scope, config: CORSConfig) -> _Pairs:
    wanted = _find(scope, b"access-control-request-headers")
    if wanted is None or not config.is_allow_all_headers:
        return []
    return [(b"access-control-allow-headers", wanted)]


def _find(scope: Scope, name: bytes) -> bytes | None:
    pairs: _Pairs = scope["headers"]
    for key, value in pairs:
        if key == name:
            return value
    return None


def _encode(headers: dict[str, str]) -> _Pairs:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
