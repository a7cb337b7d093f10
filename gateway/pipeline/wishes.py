"""What a caller may wish of the way its request is sent: time limits, retries, fallbacks."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.errors import BadRequest
from gateway.hooks import RequestBody, RequestContext

__all__ = ["NO_WISHES", "Wishes", "read_wishes"]

_MOST_SECONDS = 86_400.0
_MOST_RETRIES = 10
_MOST_FALLBACKS = 10
_MEMBERS = frozenset(
    {"timeout", "request_timeout", "stream_timeout", "num_retries", "fallbacks", "disable_fallbacks"}
)
_HEADERS = frozenset({"x-litellm-timeout", "x-litellm-stream-timeout", "x-litellm-num-retries"})


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, counts and model names; None where the caller said nothing."""

    timeout_seconds: float | None = None
    silence_seconds: float | None = None
    num_retries: int | None = None
    fallbacks: tuple[str, ...] | None = None
    uses_fallbacks: bool = True


NO_WISHES = Wishes()
"""What most requests wish for: nothing."""


def read_wishes(context: RequestContext) -> Wishes:
    """Read the members and headers of the contract; raises BadRequest for a value that is none."""
    body, headers = context.body, context.head.headers
    if _MEMBERS.isdisjoint(body.members) and _HEADERS.isdisjoint(headers):
        return NO_WISHES
    return Wishes(
        timeout_seconds=_seconds(body, headers, "x-litellm-timeout", "timeout", "request_timeout"),
        silence_seconds=_seconds(body, headers, "x-litellm-stream-timeout", "stream_timeout"),
        num_retries=_retries(body, headers),
        fallbacks=_fallbacks(body, context.model),
        uses_fallbacks=body.read("disable_fallbacks") is not True,
    )


def _seconds(body: RequestBody, headers: Mapping[str, str], header: str, *members: str) -> float | None:
    name, value = _stated(body, headers, header, *members)
    if value is None:
        return None
    number = _number(value)
    if number is None or not 0 < number <= _MOST_SECONDS:
        raise BadRequest(
            f"'{name}' must be a number of seconds above 0, at most {_MOST_SECONDS:g}.", param=name
        )
    return number


def _retries(body: RequestBody, headers: Mapping[str, str]) -> int | None:
    name, value = _stated(body, headers, "x-litellm-num-retries", "num_retries")
    if value is None:
        return None
    number = _number(value)
    if number is None or not number.is_integer() or not 0 <= number <= _MOST_RETRIES:
        raise BadRequest(f"'{name}' must be a whole number from 0 to {_MOST_RETRIES}.", param=name)
    return int(number)


def _stated(
    body: RequestBody, headers: Mapping[str, str], header: str, *members: str
) -> tuple[str, object | None]:
    if header in headers:
        return header, headers[header]
    for member in members:
        value = body.read(member)
        if value is not None:
            return member, value
    return header, None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _fallbacks(body: RequestBody, model: str) -> tuple[str, ...] | None:
    value = body.read("fallbacks")
    if value is None:
        return None
    items = cast("list[object]", value) if isinstance(value, list) else None
    names = None if items is None else _names_in(items, model)
    if names is None or len(names) > _MOST_FALLBACKS:
        raise BadRequest(
            f"'fallbacks' must be a list of at most {_MOST_FALLBACKS} model names.", param="fallbacks"
        )
    return names


def _names_in(items: list[object], model: str) -> tuple[str, ...]:
    """Read the contract's forms: a name, `{"model": name}`, and `{name: [names]}` as in the settings."""
    names: list[str] = []
    for index, item in enumerate(items):
        found = [item] if isinstance(item, str) else _names_of_object(item, model)
        if found is None:
            path = f"fallbacks[{index}]"
            message = f"'{path}' must be a model name, or an object that only names models."
            raise BadRequest(message, param=path)
        names += found
    return tuple(names)


def _names_of_object(item: object, model: str) -> list[str] | None:
    # The keys of a JSON object are texts.
    members = cast("dict[str, object]", item) if isinstance(item, dict) else {}
    if len(members) != 1:
        return None
    ((name, value),) = members.items()
    if name == "model" and isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in cast("list[object]", value)):
        return None
    return cast("list[str]", value) if name in {model, "*"} else []
