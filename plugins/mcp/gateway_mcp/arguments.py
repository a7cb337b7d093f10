"""Which arguments of a tool the operator lets through."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from gateway.errors import PermissionDenied
from gateway_mcp.wire import Object

__all__ = ["check_arguments", "hide_arguments"]

_MOST_NAMED = 5


def check_arguments(arguments: object, allowed: Collection[str] | None, param: str) -> None:
    """Raise PermissionDenied for arguments that are not allowed; without a list all are.

    What is no object has no names: whether it is right is for the server to say.
    """
    if allowed is None or not isinstance(arguments, Mapping):
        return
    denied = [str(name) for name in cast("Mapping[str, Any]", arguments) if name not in allowed]
    if denied:
        names = ", ".join(f"'{name[:100]}'" for name in denied[:_MOST_NAMED])
        raise PermissionDenied(
            f"The tool does not take {names} here. An administrator can add it to the server's "
            "'allowed_params'.",
            param=param,
            type="mcp_tool_argument_denied",
        )


def hide_arguments(said: Object, allowed: Collection[str]) -> Object:
    """A tool without the arguments that are not allowed: nobody tries what is refused."""
    schema = said.get("inputSchema")
    if not isinstance(schema, dict):
        return said
    stated = cast("Object", schema)
    properties, required = stated.get("properties"), stated.get("required")
    changes: Object = {}
    if isinstance(properties, dict):
        named = cast("Object", properties).items()
        changes["properties"] = {name: one for name, one in named if name in allowed}
    if isinstance(required, list):
        changes["required"] = [name for name in cast("list[object]", required) if name in allowed]
    return {**said, "inputSchema": {**stated, **changes}}
