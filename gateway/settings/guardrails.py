"""Read the section `guardrails`: which there are, when each of them runs, and what it is told."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

import msgspec

from gateway.settings.faults import Faults
from gateway.settings.node import Node, config_error, plain
from gateway.settings.readers import (
    integer,
    one_of,
    read_boolean,
    read_each,
    read_items,
    read_mapping,
    read_members,
    read_plain_mapping,
    read_seconds,
    read_text,
    read_values,
)

__all__ = ["GuardrailEntry", "GuardrailMode", "Modes", "read_guardrail", "read_guardrails"]


class GuardrailMode(StrEnum):
    """When a guardrail runs."""

    PRE_CALL = "pre_call"
    """On the request, before it goes upstream."""
    DURING_CALL = "during_call"
    """On the request, beside the call; the answer waits for it."""
    POST_CALL = "post_call"
    """On the answer."""
    LOGGING_ONLY = "logging_only"
    """On what is recorded of request and answer, after the call."""
    PRE_MCP_CALL = "pre_mcp_call"
    """On the arguments of a call of an MCP server's tool, before it goes there."""
    DURING_MCP_CALL = "during_mcp_call"
    """On the arguments, beside the call; the result waits for it."""
    POST_MCP_CALL = "post_mcp_call"
    """On the result of the tool."""


T = TypeVar("T")

_HOST_PARAMS = frozenset(
    {"guardrail", "mode", "default_on", "deadline_seconds", "on_error", "unreachable_fallback", "order"}
)
_DEADLINE_SECONDS = 10.0

Modes = frozenset[GuardrailMode]


class GuardrailEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One item of `guardrails`; times are seconds.

    `kind` is the name of its entry point, `params` are its own parameters. `tag_modes` replace `modes` for
    requests with a tag. `is_lenient` lets content pass when the guardrail fails. Those of a lower `order`
    come first. `key_path`, `file` and `line` say where the item stands.
    """

    name: str
    kind: str
    modes: Modes
    tag_modes: Mapping[str, Modes] = {}
    is_default: bool = False
    deadline_seconds: float = _DEADLINE_SECONDS
    is_lenient: bool = False
    order: int = 0
    params: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    info: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    key_path: str = ""
    file: str = ""
    line: int = 0

    def __repr__(self) -> str:
        # The parameters hold credentials as plain texts.
        return f"GuardrailEntry(name={self.name!r}, kind={self.kind!r})"


def read_guardrails(root: Node, faults: Faults) -> tuple[GuardrailEntry, ...]:
    """The items of `guardrails`; one that is wrong is noted in `faults`."""
    node = root.member("guardrails")
    if node is None:
        return ()
    found: list[GuardrailEntry] = []
    for item in faults.attempt(lambda: read_items(node), []):
        with faults.collect():
            found.append(read_guardrail(item))
    return tuple(found)


def read_guardrail(item: Node) -> GuardrailEntry:
    """One item. Raises ConfigError."""
    members = read_mapping(item)
    params = read_members(members.get("litellm_params"))
    name = _required(item, members, "guardrail_name")
    kind = _required(members.get("litellm_params", item), params, "guardrail")
    modes, tag_modes = _read_modes(members.get("litellm_params", item), params.get("mode"))
    info = members.get("guardrail_info")
    return GuardrailEntry(
        name=name,
        kind=kind,
        modes=modes,
        tag_modes=tag_modes,
        is_default=_read(params, "default_on", read_boolean, default=False),
        deadline_seconds=_read(params, "deadline_seconds", _read_deadline, default=_DEADLINE_SECONDS),
        is_lenient=_reads_lenient(params),
        order=_read(params, "order", integer(), default=0),
        params={key: plain(node) for key, node in params.items() if key not in _HOST_PARAMS},
        info={} if info is None else read_plain_mapping(info),
        key_path=item.path,
        file=item.file,
        line=item.line,
    )


def _required(parent: Node, members: Mapping[str, Node], name: str) -> str:
    node = members.get(name)
    if node is None or not read_text(node):
        raise config_error(parent, f"'{name}' is missing.")
    return read_text(node)


def _read(members: Mapping[str, Node], name: str, read: Callable[[Node], T], *, default: T) -> T:
    node = members.get(name)
    return default if node is None else read(node)


def _read_deadline(node: Node) -> float:
    seconds = read_seconds(node)
    if seconds <= 0:
        raise config_error(node, "Expected more than 0 seconds: a guardrail without time refuses everything.")
    return seconds


def _reads_lenient(params: Mapping[str, Node]) -> bool:
    ours = _read(params, "on_error", one_of("block", "allow"), default="block")
    theirs = _read(params, "unreachable_fallback", one_of("fail_closed", "fail_open"), default="fail_closed")
    return ours == "allow" or theirs == "fail_open"


def _read_modes(parent: Node, node: Node | None) -> tuple[Modes, dict[str, Modes]]:
    """A mode, a list of modes, or `{tags: {tag: modes}, default: modes}`."""
    if node is None:
        raise config_error(parent, "'mode' is missing.", allowed=tuple(GuardrailMode))
    if not isinstance(node.value, dict):
        return _read_mode_list(node), {}
    members = read_mapping(node)
    unknown = members.keys() - {"tags", "default"}
    if unknown:
        raise config_error(members[min(unknown)], "Not a member of a mode.", allowed=("tags", "default"))
    default = _read(members, "default", _read_mode_list, default=Modes())
    return default, read_values(read_members(members.get("tags")), _read_mode_list)


def _read_mode_list(node: Node) -> Modes:
    items = [node] if isinstance(node.value, str) else read_items(node)
    return frozenset(read_each(items, _read_mode))


def _read_mode(node: Node) -> GuardrailMode:
    return GuardrailMode(one_of(*GuardrailMode)(node))
