"""The guardrail `tool_permission`: which tools a model may be offered and may call, and with what."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, cast

import msgspec

from gateway.sdk import Content, Direction, Guardrail, GuardrailCall, ToolUse, Verdict
from gateway_guardrails.linear import LinearPattern

__all__ = ["ToolPermission", "ToolPermissionParams", "ToolRule"]

_MOST_RULES, _LONGEST_PATTERN, _MOST_VALUES = 1_000, 10_000, 10_000
_Decision = Literal["allow", "deny"]


class ToolRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of the tools that both patterns fit; without one of them any name, or any type, does."""

    id: str
    decision: _Decision
    tool_name: str | None = None
    tool_type: str | None = None
    allowed_param_patterns: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.tool_name is None and self.tool_type is None:
            raise ValueError(f"the rule '{self.id}' needs 'tool_name' or 'tool_type'")
        if self.allowed_param_patterns and self.decision == "deny":
            raise ValueError(f"the rule '{self.id}' denies: 'allowed_param_patterns' is for rules that allow")


class ToolPermissionParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules, the first of which that fits a tool decides."""

    rules: tuple[ToolRule, ...] = ()
    """Rules: `id`, `decision` (allow, deny), `tool_name` and `tool_type` (patterns in RE2's syntax; to be
    allowed a name must fit as a whole, to be denied in a part), `allowed_param_patterns` (paths like
    `to[].address`, and patterns that every value there must fit as a whole)."""
    default_action: _Decision = "deny"
    """What becomes of tools that no rule fits."""
    on_disallowed_action: Literal["block", "rewrite"] = "block"
    """Whether the request is refused, or goes on without the tool."""
    violation_message_template: str | None = None
    """What the caller reads; `{tool_name}` and `{rule_id}` are put in."""

    def __post_init__(self) -> None:
        if len(self.rules) > _MOST_RULES:
            raise ValueError(f"'rules' has at most {_MOST_RULES} items")
        for rule in self.rules:
            patterns = (rule.tool_name, rule.tool_type, *rule.allowed_param_patterns.values())
            if any(pattern is not None and len(pattern) > _LONGEST_PATTERN for pattern in patterns):
                raise ValueError(f"a pattern has at most {_LONGEST_PATTERN} characters")


class _Rule:
    """A rule with its patterns compiled."""

    def __init__(self, rule: ToolRule) -> None:
        """Raises ValueError for a pattern that RE2 does not take."""
        is_whole = rule.decision == "allow"
        self.id = rule.id
        self.is_allowing = is_whole
        self._name = None if rule.tool_name is None else LinearPattern(rule.tool_name, is_whole=is_whole)
        self._type = None if rule.tool_type is None else LinearPattern(rule.tool_type, is_whole=is_whole)
        self._arguments = [
            (_split(path), LinearPattern(pattern, is_whole=True))
            for path, pattern in rule.allowed_param_patterns.items()
        ]

    def fits(self, tool: ToolUse) -> bool:
        """Whether the rule is about a tool."""
        return (self._name is None or any(map(self._name.is_in, _names(tool)))) and (
            self._type is None or self._type.is_in(tool.type)
        )

    def takes(self, arguments: str | None) -> bool:
        """Whether the arguments of a call are allowed: each one with a pattern is there, and fits it."""
        if not self._arguments:
            return True
        members = _decode(arguments)
        return members is not None and all(_fit(members, path, one) for path, one in self._arguments)


class ToolPermission(Guardrail):
    """Judges every tool that a request offers, every call in an answer, and calls of MCP servers.

    Of a stream it has to see the whole: a call is not known before its last argument.
    """

    Params: ClassVar[type[ToolPermissionParams]] = ToolPermissionParams
    can_be_submitted = True

    def __init__(self, params: ToolPermissionParams) -> None:
        """Raises ValueError for a pattern that RE2 does not take."""
        self._params = params
        self._rules = [_Rule(rule) for rule in params.rules]

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse content with a tool that is not allowed, or take the tool out."""
        is_call = content.direction is Direction.RESPONSE
        denied: list[int] = []
        messages: list[str] = []
        for place, tool in enumerate(content.tools):
            rule_id = self._find_denial(tool, is_call=is_call or tool.arguments is not None)
            if rule_id is not None:
                denied.append(place)
                messages.append(self._explain(tool, rule_id, call.guardrail))
        if not denied:
            return None
        if self._params.on_disallowed_action == "rewrite":
            notice = "\n".join(dict.fromkeys(messages))
            return Verdict(without=tuple(denied), notice=notice, categories=("tool",))
        return Verdict(refusal=messages[0], categories=("tool",))

    def _find_denial(self, tool: ToolUse, *, is_call: bool) -> str | None:
        """The id of the rule by which a tool is not allowed; "" where there is none that allows it."""
        rule = next((rule for rule in self._rules if rule.fits(tool)), None)
        if rule is None:
            return None if self._params.default_action == "allow" else ""
        if rule.is_allowing and (not is_call or rule.takes(tool.arguments)):
            return None
        return rule.id

    def _explain(self, tool: ToolUse, rule_id: str, guardrail: str) -> str:
        name = tool.name[:200] or tool.type[:200]
        template = self._params.violation_message_template
        if template is not None:
            return template.replace("{tool_name}", name).replace("{rule_id}", rule_id or "default")
        by = f" by its rule '{rule_id}'" if rule_id else ""
        return f"The guardrail '{guardrail}' does not allow the tool '{name}' ({tool.path}){by}."


def _names(tool: ToolUse) -> tuple[str, ...]:
    """The names by which rules know a tool: that of an MCP server with the server's, and by itself."""
    if not tool.server:
        return (tool.name,)
    whole = f"{tool.server}/{tool.name}"
    # What a server calls its tool must not look like the tool of another server.
    return (whole,) if "/" in tool.name else (tool.name, whole)


def _split(path: str) -> list[str]:
    """The steps of a path like `to[].address`; `[]` is every item of a list."""
    return [step for part in path.split(".") for step in _steps(part)]


def _steps(part: str) -> Iterator[str]:
    name = part
    depth = 0
    while name.endswith("[]"):
        name, depth = name[:-2], depth + 1
    if name:
        yield name
    yield from ["[]"] * depth


def _decode(arguments: str | None) -> Mapping[str, Any] | None:
    """The members of the arguments, none for an empty text; None where nobody can say what they are."""
    if arguments is None:
        return None
    try:
        value: object = json.loads(arguments or "{}", object_pairs_hook=_join)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _join(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two members of one name: whoever runs the tool may take the other one."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError
    return members


def _fit(members: Mapping[str, Any], path: list[str], pattern: LinearPattern) -> bool:
    values = [members] if path else []
    for step in path:
        found: list[Any] = []
        for value in values:
            if step == "[]":
                if not isinstance(value, list):
                    return False
                found += cast("list[Any]", value)
            elif isinstance(value, dict) and step in value:
                found.append(value[step])
            else:
                return False
        values = found
        if len(values) > _MOST_VALUES:
            return False
    return bool(values) and all(pattern.is_in(_text(value)) for value in values)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
