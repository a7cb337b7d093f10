"""What guardrails can be set up: `/guardrails/ui/provider_specific_params` and their like."""

import asyncio
from typing import Any, cast

import msgspec
import yaml
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.guardrails.discovery import KindFacts, list_kinds
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource
from gateway.settings.guardrails import GuardrailMode

__all__ = ["ROUTE_HANDLERS"]

_ENTITIES = "pii_entities_config"
_ACTIONS = ("BLOCK", "MASK")
_Request = Request[Any, Any, Any]
_Object = dict[str, Any]


class WordsFileRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /guardrails/validate_blocked_words_file`: what the file has, as YAML."""

    file_content: str

    __repr__ = object.__repr__


_WORDS = BodyReader(WordsFileRequest)
_SEE = allow(Resource.GUARDRAIL, Action.READ)


@get(
    "/guardrails/ui/provider_specific_params",
    opt={"rule": RouteRule(name="/guardrails/ui/provider_specific_params", permit=_SEE)},
)
async def list_parameters() -> _Object:
    """The parameters of every installed kind, by its name."""
    return {kind.name: _describe(kind) for kind in await asyncio.to_thread(list_kinds)}


@get(
    "/guardrails/ui/add_guardrail_settings",
    opt={"rule": RouteRule(name="/guardrails/ui/add_guardrail_settings", permit=_SEE)},
)
async def show_choices() -> _Object:
    """What may be chosen when a guardrail is set up: modes, kinds of personal data, actions."""
    kinds = await asyncio.to_thread(list_kinds)
    entities = _find_entities(kinds)
    return {
        "supported_entities": entities,
        "supported_actions": ["MASK", "REPLACE", "BLOCK"],
        "supported_modes": list(GuardrailMode),
        "supported_modes_by_provider": {kind.name: list(GuardrailMode) for kind in kinds},
        "pii_entity_categories": [{"category": "All", "entities": entities}],
        "content_filter_settings": {"supported_actions": list(_ACTIONS)},
    }


@post(
    "/guardrails/validate_blocked_words_file",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/guardrails/validate_blocked_words_file",
            permit=allow(Resource.GUARDRAIL, Action.RUN),
            body=WordsFileRequest,
        )
    },
)
async def check_words_file(request: _Request) -> Answer:
    """Say whether a text can be a `blocked_words_file`, and what is wrong with it."""
    body = await _WORDS.read_from(request)
    errors, count = _check_words(body.value.file_content)
    if errors:
        return answer({"valid": False, "errors": errors}, body)
    return answer({"valid": True, "message": f"{count} blocked words."}, body)


def _describe(kind: KindFacts) -> _Object:
    fields = {
        item.name: {
            "type": item.type,
            "required": item.required,
            "description": item.description,
            "default_value": item.default_value,
            "options": list(item.options),
        }
        for item in kind.parameters
    }
    return {"ui_friendly_name": kind.name, "description": kind.description, "fault": kind.fault, **fields}


def _find_entities(kinds: list[KindFacts]) -> list[str]:
    """The kinds of personal data that are found without a service."""
    for kind in kinds:
        for item in kind.parameters:
            default: object = item.default_value
            if item.name == _ENTITIES and isinstance(default, dict):
                return list(cast("dict[str, object]", default))
    return []


def _check_words(text: str) -> tuple[list[str], int]:
    try:
        document: object = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return [f"It is no YAML: {str(error).splitlines()[0]}"], 0
    members = cast("_Object", document) if isinstance(document, dict) else {}
    items = members.get("blocked_words")
    if not isinstance(items, list) or not items:
        return ["There is no list 'blocked_words'."], 0
    words = cast("list[object]", items)
    return [error for number, item in enumerate(words) for error in _check_word(number, item)], len(words)


def _check_word(number: int, item: object) -> list[str]:
    word = cast("_Object", item) if isinstance(item, dict) else {}
    keyword, action = word.get("keyword"), word.get("action", "BLOCK")
    errors: list[str] = []
    if not isinstance(keyword, str) or not keyword.strip():
        errors.append(f"blocked_words[{number}]: 'keyword' is missing or no text.")
    if action not in _ACTIONS:
        errors.append(f"blocked_words[{number}]: 'action' is one of {', '.join(_ACTIONS)}.")
    return errors


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (list_parameters, show_choices, check_words_file)
