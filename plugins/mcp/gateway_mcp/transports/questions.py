"""What servers are answered that ask the gateway in a client's place."""

from gateway_mcp.wire import METHOD_NOT_FOUND, Object

__all__ = ["refuse_question"]


def refuse_question(method: str) -> Object:
    """The members of an answer: the gateway is there, and does nothing else for a server."""
    if method == "ping":
        return {"result": {}}
    return {"error": {"code": METHOD_NOT_FOUND, "message": "The gateway is no client for that."}}
