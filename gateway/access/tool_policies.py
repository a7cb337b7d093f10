"""What the operator says of tools: which are blocked, and which take nothing that came from outside."""

from collections.abc import Callable, Iterable, Iterator
from typing import cast

import msgspec

from gateway.access.tools import list_tool_names, refuse_tools
from gateway.hooks import RequestBody, RequestContext

__all__ = ["NO_TOOL_POLICIES", "ToolPolicies", "build_policy_check", "join_policies"]

_NOBODY = "a tool without a name"


class ToolPolicies(msgspec.Struct, frozen=True):
    """Tools by their names: those that are `blocked`, that take trusted input only, whose output is trusted.

    Of all others nothing is said: they take any input, and what they answer is not trusted.
    """

    blocked: frozenset[str] = frozenset()
    careful: frozenset[str] = frozenset()
    trusted: frozenset[str] = frozenset()

    @property
    def withheld(self) -> frozenset[str]:
        """Those that no message to an MCP server may call.

        Such a message shows no conversation, so that nobody can say that a careful tool gets trusted input.
        """
        return self.blocked | self.careful


NO_TOOL_POLICIES = ToolPolicies()


def build_policy_check(policies: ToolPolicies) -> Callable[[RequestContext], None] | None:
    """A check that raises PermissionDenied for tools that a request may not bring; None if it never would."""
    if not policies.blocked and not policies.careful:
        return None

    def check(context: RequestContext) -> None:
        members = context.body.members
        if "tools" not in members and "functions" not in members:
            return
        names = set(list_tool_names(context.body))
        blocked = sorted(names & policies.blocked)
        if blocked:
            raise refuse_tools(f"The operator has blocked the tool(s) {blocked[:10]}.")
        careful = sorted(names & policies.careful)
        tainted = careful and next(_untrusted_results(context.body, policies.trusted), None)
        if tainted:
            raise refuse_tools(
                f"The tool(s) {careful[:10]} take trusted input only, and the conversation holds what "
                f"{tainted[:200]} answered, whose output is not trusted."
            )

    return check


def _untrusted_results(body: RequestBody, trusted: frozenset[str]) -> Iterator[str]:
    """The names of tools whose answers stand in the conversation and are not trusted."""
    called: dict[str, str] = {}
    yield from _untrusted_items(body, trusted)
    for message in _objects(body.read("messages")):
        for call in _objects(message.get("tool_calls")):
            identifier, name = call.get("id"), _object(call.get("function")).get("name")
            if isinstance(identifier, str) and isinstance(name, str):
                called[identifier] = name
        if message.get("role") in {"tool", "function"}:
            named = called.get(str(message.get("tool_call_id")), message.get("name"))
            if named not in trusted:
                yield named if isinstance(named, str) else _NOBODY


def _untrusted_items(body: RequestBody, trusted: frozenset[str]) -> Iterator[str]:
    """The same of the items of a response's input."""
    called: dict[object, object] = {}
    for item in _objects(body.read("input")):
        kind = item.get("type")
        if isinstance(kind, str) and kind.endswith("_call"):
            called[str(item.get("call_id"))] = item.get("name")
        elif isinstance(kind, str) and kind.endswith("_call_output"):
            named = called.get(str(item.get("call_id")))
            if named not in trusted:
                yield named if isinstance(named, str) else _NOBODY


def _objects(value: object) -> Iterator[dict[str, object]]:
    items = cast("list[object]", value) if isinstance(value, list) else []  # of JSON values
    return (_object(item) for item in items)


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}  # JSON objects have text keys


def join_policies(rows: Iterable[tuple[str, str, str]]) -> ToolPolicies:
    """From names with their policies for input and output, as the contract calls them."""
    listed = list(rows)
    return ToolPolicies(
        blocked=frozenset(name for name, taken, _ in listed if taken == "blocked"),
        careful=frozenset(name for name, taken, _ in listed if taken == "trusted"),
        trusted=frozenset(name for name, _, given in listed if given == "trusted"),
    )
