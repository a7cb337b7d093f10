"""What is wrong with the members of a request, in the contract's list `[{"loc", "msg", "type"}]`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect

__all__ = ["NUL_REFUSED", "Fault", "fault_at", "fault_of", "missing_at", "sentence_of"]

Fault: TypeAlias = dict[str, object]
Place: TypeAlias = Sequence[str | int]

NUL_REFUSED = "The character U+0000 cannot be stored."

# msgspec tells the place and the kind of an error in its text only.
_PLACE = re.compile(r" - at (?:`key` in )?`\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")
_MISSING = re.compile(r"Object missing required field `(.+)`", re.DOTALL)
_NO_CHOICE = re.compile(r"Invalid enum value '?(.*?)'?", re.DOTALL)
_NO_TIME = "Invalid RFC3339 encoded datetime"
_REQUIRED = ("Field required", "missing")
_MOST_SHOWN = 100


def fault_at(place: Place, message: str, kind: str = "value_error") -> Fault:
    """A fault of the member at `place`, which begins with `body`, `query` or `path`."""
    return {"loc": list(place), "msg": message, "type": kind}


def missing_at(place: Place) -> Fault:
    """The fault that a member is needed and was not sent."""
    return fault_at(place, *_REQUIRED)


def fault_of(error: msgspec.ValidationError, place: Place, kind: Any) -> Fault:
    """The fault of a value at `place` that could not be read as `kind`: where in it, and what it may be."""
    inner, message, name = _read(error, kind)
    return fault_at([*place, *inner], message, name)


def sentence_of(error: msgspec.ValidationError, kind: Any) -> str:
    """What `fault_of` says, as one text: the place in the value and what is wrong there."""
    inner, message, _ = _read(error, kind)
    return ": ".join(filter(None, (".".join(str(step) for step in inner), message)))


def _read(error: msgspec.ValidationError, kind: Any) -> tuple[list[str | int], str, str]:
    text = str(error)
    found = _PLACE.search(text)
    path = list(_steps(found[1])) if found else []
    message = _PLACE.sub("", text)
    where = [step for step in path if step != "..."]
    if missing := _MISSING.fullmatch(message):
        return [*where, missing[1]], *_REQUIRED
    if refused := _NO_CHOICE.fullmatch(message):
        choices = dict.fromkeys(_choices(inspect.type_info(kind), path))
        named = ", ".join(str(choice) for choice in choices)
        return where, f"'{refused[1][:_MOST_SHOWN]}' is not one of {named}.", "enum"
    if message == _NO_TIME:
        message = f"{message}, such as 2026-01-31T12:00:00Z"
    return where, message, "type_error"


def _steps(path: str) -> Iterator[str | int]:
    for index, name in _STEP.findall(path):
        yield int(index) if index.isdigit() else index or name


def _choices(kind: inspect.Type, path: Sequence[str | int]) -> Iterator[object]:
    """The values that the choice at a path within a type allows."""
    for one in _plain(kind):
        if path:
            for inner in _members(one, path[0]):
                yield from _choices(inner, path[1:])
        elif isinstance(one, inspect.EnumType):
            yield from (member.value for member in one.cls)
        elif isinstance(one, inspect.LiteralType):
            yield from one.values


def _plain(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The types that a type stands for, without what only wraps them."""
    if isinstance(kind, inspect.Metadata):
        yield from _plain(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _plain(one)
    else:
        yield kind


def _members(kind: inspect.Type, name: str | int) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.StructType):
        yield from (field.type for field in kind.fields if field.encode_name == name)
    elif isinstance(kind, inspect.CollectionType):
        yield kind.item_type
    elif isinstance(kind, inspect.DictType):
        yield kind.value_type
