"""Serves everything below a prefix as well (`SERVER_ROOT_PATH`)."""

from gateway.wire.asgi import App, Receive, Scope, Send

__all__ = ["under_root_path"]


def under_root_path(app: App, prefix: str) -> App:
    """Take the prefix off the path of each request that has it; without a prefix nothing is wrapped."""
    if not prefix:
        return app
    raw_prefix = prefix.encode()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == prefix or path.startswith(prefix + "/"):
            scope["path"] = path[len(prefix) :] or "/"
            raw = scope.get("raw_path") or b""
            if raw.startswith(raw_prefix):
                scope["raw_path"] = raw[len(raw_prefix) :] or b"/"
        await app(scope, receive, send)

    return serve
