"""Guardrails that are not set up, tried out on a text; and which templates stop what somebody fears."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.errors import BadRequest, ConfigError, GatewayError
from gateway.guardrails.choice import Chosen, Installed
from gateway.guardrails.kinds import Kinds
from gateway.guardrails.policies.templates import Template
from gateway.guardrails.trial import TrialRun, TrialText
from gateway.sdk import Direction
from gateway.settings.guardrails import GuardrailMode
from gateway.settings.stored import read_stored_guardrail

__all__ = ["SuggestRequest", "TemplateTrialRequest", "suggest", "try_definitions"]

_MOST_DEFINITIONS, _MOST_EXAMPLES = 50, 20
_SHORTEST_WORD = 4
_PASSED, _MASKED, _BLOCKED, _FAILED = "passed", "masked", "blocked", "error"


class TemplateTrialRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /policy/templates/test`."""

    guardrail_definitions: list[dict[str, Any]]
    text: str


class SuggestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /policy/templates/suggest`; no model is asked, so `model` makes no difference."""

    description: str
    attack_examples: list[str] = []
    model: str | None = None


async def try_definitions(
    kinds: Kinds, wanted: TemplateTrialRequest, environ: Mapping[str, str], run: TrialRun
) -> dict[str, Any]:
    """What each guardrail by itself makes of a text. Raises BadRequest for one that cannot be set up."""
    if len(wanted.guardrail_definitions) > _MOST_DEFINITIONS:
        raise BadRequest(
            f"'guardrail_definitions' has more than {_MOST_DEFINITIONS} entries.",
            param="guardrail_definitions",
        )
    built = [
        _build(kinds, definition, f"guardrail_definitions[{place}]", environ)
        for place, definition in enumerate(wanted.guardrail_definitions)
    ]
    results = [await _try(one, wanted.text, run) for one in built]
    actions = {result["action"] for result in results}
    worst = next((one for one in (_BLOCKED, _FAILED, _MASKED) if one in actions), _PASSED)
    return {"overall_action": worst, "results": results}


async def suggest(
    kinds: Kinds, templates: Sequence[Template], wanted: SuggestRequest, run: TrialRun
) -> dict[str, Any]:
    """The templates that stop or mask an example, and those of which the description speaks.

    Raises BadRequest for too many examples.
    """
    if len(wanted.attack_examples) > _MOST_EXAMPLES:
        raise BadRequest(
            f"'attack_examples' has more than {_MOST_EXAMPLES} entries.", param="attack_examples"
        )
    found: list[dict[str, str]] = []
    for template in templates:
        reason = await _stops(kinds, template, wanted.attack_examples, run)
        reason = reason or _speaks_of(template, wanted.description)
        if reason:
            found.append({"template_id": template.id, "reason": reason})
    text = "These stop an example, or do what is described." if found else "No template does this."
    return {"selected_templates": found, "explanation": text}


async def _stops(kinds: Kinds, template: Template, examples: Sequence[str], run: TrialRun) -> str:
    if template.parameter is not None:
        return ""
    definitions: list[dict[str, Any]] = [msgspec.to_builtins(one) for one in template.guardrail_definitions]
    for place, text in enumerate(examples):
        trial = TemplateTrialRequest(guardrail_definitions=definitions, text=text)
        tried = await try_definitions(kinds, trial, {}, run)
        if tried["overall_action"] in {_BLOCKED, _MASKED}:
            return f"Example {place + 1} is {tried['overall_action']}."
    return ""


def _speaks_of(template: Template, description: str) -> str:
    """Whether a description has a word of the template's title or tags."""
    own = {
        word
        for text in (template.title, *template.tags)
        for word in text.lower().split()
        if len(word) >= _SHORTEST_WORD
    }
    words = own & {word.strip(".,;:!?").lower() for word in description.split()}
    return f"The description speaks of '{min(words)}'." if words else ""


def _build(kinds: Kinds, definition: Mapping[str, Any], path: str, environ: Mapping[str, str]) -> Installed:
    try:
        entry = read_stored_guardrail(definition, path, environ)
        return Installed(entry, kinds.build(entry))
    except ConfigError as error:
        raise BadRequest(str(error), param=error.path, type="bad_request_error") from error


async def _try(installed: Installed, text: str, run: TrialRun) -> dict[str, Any]:
    began, name = run.clock.monotonic_nanos(), installed.entry.name
    is_request = installed.entry.modes != frozenset({GuardrailMode.POST_CALL})
    direction = Direction.REQUEST if is_request else Direction.RESPONSE
    mode = GuardrailMode.PRE_CALL if is_request else GuardrailMode.POST_CALL
    shown = TrialText(direction, text)
    try:
        await run.runner().ask(Chosen(installed, frozenset({mode}), {}), mode, shown)
    except BadRequest as blocked:
        action, details = _BLOCKED, blocked.message
    except GatewayError as failed:
        action, details = _FAILED, failed.message
    else:
        action, details = (_PASSED if shown.text == text else _MASKED), ""
    return {
        "guardrail_name": name,
        "action": action,
        "output_text": "" if action in {_BLOCKED, _FAILED} else shown.text,
        "details": details,
        "latency_ms": (run.clock.monotonic_nanos() - began) / 1e6,
    }
