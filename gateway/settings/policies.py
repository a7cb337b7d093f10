"""Read the sections `policies` and `policy_attachments`: named sets of guardrails, and where they apply."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from gateway.settings.faults import Faults
from gateway.settings.guardrails import GuardrailMode
from gateway.settings.node import Node, build_node, config_error
from gateway.settings.readers import (
    integer,
    one_of,
    read_boolean,
    read_each,
    read_items,
    read_members,
    read_text,
    read_texts,
)

__all__ = [
    "AttachmentEntry",
    "Condition",
    "Pipeline",
    "PolicyEntry",
    "Step",
    "StepAction",
    "read_attachment",
    "read_attachments",
    "read_pipeline",
    "read_policies",
    "read_policy",
    "read_stored_policy",
]

EVERYTHING = "*"
_NOT_PLAIN = frozenset("^$+?()[]{}|\\")
"""Characters of regular expressions. LiteLLM takes those here: what would match otherwise is refused."""
_MOST_PATTERNS = 200
_MOST_STEPS = 50
_PIPELINE_MODES = (GuardrailMode.PRE_CALL, GuardrailMode.POST_CALL)
_POLICY = ("description", "inherit", "guardrails", "condition", "pipeline")
_CONDITION = ("model", "team", "key", "tag")
_STEP = ("guardrail", "on_pass", "on_fail", "on_error", "pass_data", "modify_response_message")
_ATTACHMENT = ("policy", "scope", "teams", "keys", "models", "tags", "priority", "default")


class StepAction(StrEnum):
    """What follows from a step of a pipeline."""

    NEXT = "next"
    ALLOW = "allow"
    BLOCK = "block"
    MODIFY_RESPONSE = "modify_response"


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """Patterns of which a request must match one of each kind that has any."""

    models: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One guardrail of a pipeline, and what follows from each outcome.

    Without `on_error` an error counts as a failure. `message` is what `modify_response` answers.
    """

    guardrail: str
    on_pass: StepAction = StepAction.ALLOW
    on_fail: StepAction = StepAction.BLOCK
    on_error: StepAction | None = None
    message: str = ""


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """Guardrails that run one after another, on the request or on the answer."""

    mode: GuardrailMode
    steps: tuple[Step, ...]


class PolicyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of guardrails: the parent's, with some more and some less."""

    name: str
    description: str = ""
    inherit: str | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    condition: Condition = Condition()
    pipeline: Pipeline | None = None


class AttachmentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Where a policy applies: to requests that match one pattern of each kind that there is.

    Those with a `priority` come before the others, the lowest first. One that `is_default` applies where no
    other attachment does.
    """

    policy: str
    is_global: bool = False
    scope: Condition = Condition()
    priority: int | None = None
    is_default: bool = False


def read_policies(root: Node, faults: Faults) -> tuple[PolicyEntry, ...]:
    """The members of `policies`; one that is wrong is noted in `faults`."""
    found: list[PolicyEntry] = []
    for name, node in faults.attempt(lambda: read_members(root.member("policies")), {}).items():
        with faults.collect():
            found.append(read_policy(name, node))
    return tuple(found)


def read_attachments(root: Node, faults: Faults) -> tuple[AttachmentEntry, ...]:
    """The items of `policy_attachments`; one that is wrong is noted in `faults`."""
    node = root.member("policy_attachments")
    found: list[AttachmentEntry] = []
    for item in [] if node is None else faults.attempt(lambda: read_items(node), []):
        with faults.collect():
            found.append(read_attachment(item))
    return tuple(found)


def read_policy(name: str, node: Node) -> PolicyEntry:
    """One policy. Raises ConfigError."""
    members = _known(node, _POLICY)
    guardrails = _known(members.get("guardrails"), ("add", "remove"))
    return PolicyEntry(
        name=name,
        description=read_text(members["description"]) if "description" in members else "",
        inherit=read_text(members["inherit"]) if "inherit" in members else None,
        add=_names(guardrails.get("add")),
        remove=_names(guardrails.get("remove")),
        condition=_read_condition(members.get("condition")),
        pipeline=read_pipeline(members["pipeline"]) if "pipeline" in members else None,
    )


def read_stored_policy(name: str, row: Mapping[str, object], path: str) -> PolicyEntry:
    """A policy as a row of the database has it, JSON decoded; `path` names it in messages.

    Raises ConfigError.
    """
    members = {
        "inherit": row["inherit"],
        "description": row["description"],
        "guardrails": {"add": row["guardrails_add"], "remove": row["guardrails_remove"]},
        "condition": row["condition"] or None,
        "pipeline": row["pipeline"] or None,
    }
    return read_policy(name, build_node(members, path))


def read_attachment(node: Node) -> AttachmentEntry:
    """One attachment, which says where it applies. Raises ConfigError."""
    members = _known(node, _ATTACHMENT)
    if "policy" not in members:
        raise config_error(node, "'policy' is missing.")
    scope = Condition(
        models=_patterns(members.get("models")),
        teams=_patterns(members.get("teams")),
        keys=_patterns(members.get("keys")),
        tags=_patterns(members.get("tags")),
    )
    is_global = "scope" in members and one_of(EVERYTHING)(members["scope"]) == EVERYTHING
    if not is_global and scope == Condition():
        raise config_error(node, "Nothing says where it applies: 'scope: \"*\"' means everywhere.")
    return AttachmentEntry(
        policy=read_text(members["policy"]),
        is_global=is_global,
        scope=scope,
        priority=integer()(members["priority"]) if "priority" in members else None,
        is_default=read_boolean(members["default"]) if "default" in members else False,
    )


def _read_condition(node: Node | None) -> Condition:
    members = _known(node, _CONDITION)
    return Condition(
        models=_patterns(members.get("model"), is_lenient=True),
        teams=_patterns(members.get("team")),
        keys=_patterns(members.get("key")),
        tags=_patterns(members.get("tag")),
    )


def read_pipeline(node: Node) -> Pipeline:
    """A pipeline, which has steps. Raises ConfigError."""
    members = _known(node, ("mode", "steps"))
    mode = one_of(*_PIPELINE_MODES)(members["mode"]) if "mode" in members else GuardrailMode.PRE_CALL
    steps = read_each(read_items(members["steps"]) if "steps" in members else [], _read_step)
    if not 1 <= len(steps) <= _MOST_STEPS:
        raise config_error(node, f"Expected 'steps', between 1 and {_MOST_STEPS} of them.")
    return Pipeline(mode=GuardrailMode(mode), steps=tuple(steps))


def _read_step(node: Node) -> Step:
    members = _known(node, _STEP)
    if "guardrail" not in members:
        raise config_error(node, "'guardrail' is missing.")
    actions = {
        name: StepAction(one_of(*StepAction)(members[name]))
        for name in ("on_pass", "on_fail", "on_error")
        if name in members
    }
    message = members.get("modify_response_message")
    step = Step(
        guardrail=read_text(members["guardrail"]),
        message="" if message is None else read_text(message),
        on_pass=actions.get("on_pass", StepAction.ALLOW),
        on_fail=actions.get("on_fail", StepAction.BLOCK),
        on_error=actions.get("on_error"),
    )
    if StepAction.MODIFY_RESPONSE in actions.values() and not step.message:
        raise config_error(node, "'modify_response' needs a 'modify_response_message'.")
    return step


def _known(node: Node | None, names: tuple[str, ...]) -> Mapping[str, Node]:
    members = read_members(node)
    unknown = members.keys() - set(names)
    if unknown:
        raise config_error(members[min(unknown)], "There is no such member here.", allowed=names)
    return members


def _names(node: Node | None) -> tuple[str, ...]:
    return () if node is None or node.value is None else tuple(dict.fromkeys(read_texts(node)))


def _patterns(node: Node | None, *, is_lenient: bool = False) -> tuple[str, ...]:
    """Names in which `*` stands for any text, and nothing else has a meaning of its own.

    `is_lenient` takes the `.*` of a regular expression for a `*`.
    """
    if node is None or node.value is None:
        return ()
    found = read_texts(node)
    if is_lenient:
        found = tuple(text.replace(".*", "*") for text in found)
    for text in found:
        if not text or ".*" in text or not _NOT_PLAIN.isdisjoint(text):
            message = "Expected a name, or a pattern such as gpt-4*: regular expressions are not taken."
            raise config_error(node, message)
    if len(found) > _MOST_PATTERNS:
        raise config_error(node, f"Expected at most {_MOST_PATTERNS} names.")
    return found
