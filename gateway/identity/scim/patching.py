"""The operations of PATCH (RFC 7644, section 3.5.2), done upon a resource's attributes."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, cast

import msgspec

from gateway.identity.scim.attributes import Attribute, Attributes, Document
from gateway.identity.scim.filters import Comparison, parse_filter
from gateway.identity.scim.refusals import InvalidPath, InvalidSyntax, InvalidValue, NoTarget
from gateway.identity.scim.request import PatchOperation

__all__ = ["patch"]

_PATH = re.compile(r"([A-Za-z$][\w$-]*)(?:\[(.*)\])?(?:\.([A-Za-z$][\w$-]*))?", re.DOTALL)
_ADD, _REPLACE, _REMOVE = "add", "replace", "remove"
_MOST_OPERATIONS = 1_000


class _Target(msgspec.Struct, frozen=True):
    """What a path names: an attribute, some of its values, a part of it."""

    attribute: Attribute
    conditions: tuple[Comparison, ...] = ()
    part: str | None = None

    def matches(self, item: Mapping[str, Any]) -> bool:
        return all(_is_same(item.get(self.name_of(one)), one.value) for one in self.conditions)

    def name_of(self, condition: Comparison) -> str:
        return self.attribute.part(condition.path)


def patch(document: Document, operations: Sequence[PatchOperation], attributes: Attributes) -> Document:
    """The attributes after all operations, one after the other; nothing of `document` is changed.

    Attributes that are not kept are passed over. Raises InvalidSyntax, InvalidPath, InvalidFilter,
    InvalidValue, NoTarget and Mutability.
    """
    if len(operations) > _MOST_OPERATIONS:
        raise InvalidValue(f"Operations: there can be at most {_MOST_OPERATIONS}.", param="Operations")
    changed = deepcopy(document)
    for operation in operations:
        verb = operation.op.lower()
        if verb not in {_ADD, _REPLACE, _REMOVE}:
            raise InvalidSyntax(f"op: must be add, replace or remove, not '{operation.op[:20]}'.", param="op")
        if operation.path:
            _apply(changed, verb, _find_target(operation.path, attributes), operation.value)
        else:
            _apply_members(changed, verb, operation.value, attributes)
    return changed


def _apply_members(document: Document, verb: str, value: object, attributes: Attributes) -> None:
    """An operation without a path: its value has attributes, or paths, as members."""
    if verb == _REMOVE:
        raise NoTarget("path: say what is to be removed.", param="path")
    if not isinstance(value, dict):
        raise InvalidValue("value: must be an object, as there is no path.", param="value")
    for name, inner in cast("Mapping[str, object]", value).items():  # JSON objects have text keys
        # Whole resources are sent too, with what the gateway writes in them.
        if name.lower() not in attributes.read_only:
            _apply(document, verb, _find_target(name, attributes), inner)


def _find_target(path: str, attributes: Attributes) -> _Target | None:
    """What a path names; None for an attribute that is not kept."""
    text = attributes.without_urn(path.strip())
    if text.lower().startswith("urn:"):
        return None
    match = _PATH.fullmatch(text)
    if match is None:
        raise InvalidPath(f"path: '{path[:200]}' cannot be read.", param="path")
    name, inner, part = match.groups()
    attribute = attributes.find(name)
    if attribute is None:
        return None
    if inner is not None and not attribute.is_list:
        raise InvalidPath(f"path: '{attribute.name}' has one value, which cannot be filtered.", param="path")
    conditions = parse_filter(inner) if inner is not None else ()
    target = _Target(attribute, conditions, attribute.part(part) if part else None)
    for condition in conditions:
        target.name_of(condition)
    return target


def _apply(document: Document, verb: str, target: _Target | None, value: object) -> None:
    if target is None:
        return
    if target.attribute.is_list:
        _change_list(document, verb, target, value)
    elif target.part is not None:
        _set_or_drop(document.setdefault(target.attribute.name, {}), verb, target.part, value)
    elif target.attribute.parts and verb != _REMOVE:
        document[target.attribute.name] = {
            **document.get(target.attribute.name, {}),
            **(target.attribute.read(value) or {}),
        }
    else:
        _set_or_drop(document, verb, target.attribute.name, value)


def _set_or_drop(members: Document, verb: str, name: str, value: object) -> None:
    if verb == _REMOVE or value is None:
        members.pop(name, None)
    else:
        members[name] = value


def _change_list(document: Document, verb: str, target: _Target, value: object) -> None:
    name = target.attribute.name
    items: list[Document] = document.get(name) or []
    if target.conditions or target.part:
        document[name] = _change_matching(items, verb, target, value)
    elif verb == _REPLACE:
        document[name] = target.attribute.read(value)
    elif verb == _ADD:
        document[name] = _united(items, target.attribute.read(value))
    elif value is None:
        document[name] = []
    else:
        # Entra names in the value whom it removes.
        leaving = {item.get("value") for item in target.attribute.read(value)}
        document[name] = [item for item in items if item.get("value") not in leaving]


def _united(items: Sequence[Document], added: Sequence[Document]) -> list[Document]:
    if any(item.get("primary") for item in added):
        items = [{**item, "primary": False} for item in items]
    present = {item.get("value"): item for item in items}
    for item in added:
        present[item.get("value")] = {**present.get(item.get("value"), {}), **item}
    return list(present.values())


def _change_matching(items: list[Document], verb: str, target: _Target, value: object) -> list[Document]:
    """Change the values that the path's filter chooses; removing what is not there changes nothing."""
    if verb == _REMOVE:
        return [left for item in items if (left := _reduced(item, target)) is not None]
    change = {target.part: value} if target.part else target.attribute.read(value)[0]
    if any(target.matches(item) for item in items):
        return [{**item, **change} if target.matches(item) else item for item in items]
    if verb == _REPLACE and target.conditions:
        raise NoTarget(f"path: no value of '{target.attribute.name}' matches.", param="path")
    chosen = {target.name_of(condition): condition.value for condition in target.conditions}
    return [*items, {**chosen, **change}]


def _reduced(item: Document, target: _Target) -> Document | None:
    """What a removal leaves of a value; without its `value` there is none."""
    if not target.matches(item):
        return item
    if target.part in {None, "value"}:
        return None
    return {name: inner for name, inner in item.items() if name != target.part}


def _is_same(stored: object, wanted: object) -> bool:
    if isinstance(stored, str) and isinstance(wanted, str):
        return stored.lower() == wanted.lower()
    return stored == wanted or (stored is None and wanted is False)
