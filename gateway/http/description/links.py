"""Which request can follow which: OpenAPI links that carry an identifier from one operation to the others."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gateway.http.description.identifiers import IDENTIFIERS, find_meanings

__all__ = ["Operation", "add_links"]


class Operation(msgspec.Struct, frozen=True):
    """One operation of the document: where it is, what is written of it, and whether it makes something."""

    path: str
    method: str
    content: dict[str, Any]
    is_creation: bool = False

    @property
    def id(self) -> str:
        """The name that links give to it."""
        return self.content["operationId"]


class _Place(msgspec.Struct, frozen=True):
    """Where an operation takes an identifier: a parameter, or a member of the body."""

    name: str
    where: str
    meanings: frozenset[str]
    is_list: bool
    is_required: bool

    @property
    def expression(self) -> str:
        """What finds the identifier again in a request that was sent."""
        return f"$request.body#/{self.name}" if self.where == "body" else f"$request.{self.where}.{self.name}"


_Values = Mapping[_Place, str]


def add_links(operations: Iterable[Operation], schemas: Mapping[str, Any]) -> None:
    """Write into the answers which other operations take the identifiers that they tell, and where."""
    places = [(operation, _places(operation, schemas)) for operation in operations]
    for source, taken in places:
        told = {kind: one.told[source.id] for kind, one in IDENTIFIERS.items() if source.id in one.told}
        links = {
            re.sub(r"\W+", "_", target.id).strip("_"): _link(target, values)
            for target, takes in places
            if told and (values := _carry(told, taken, target, takes))
        }
        if links:
            _success(source.content)["links"] = links


def _places(operation: Operation, schemas: Mapping[str, Any]) -> list[_Place]:
    """Where an operation takes identifiers; what its path names is not named a second time."""
    found: list[_Place] = []
    for name, where, schema, is_required in _inputs(operation.content, schemas):
        meanings = find_meanings(name, operation.path, operation.content["tags"])
        is_text = any(one.get("type") == "string" for one in _alternatives(schema))
        if meanings and (is_text or any(_is_text_list(one) for one in _alternatives(schema))):
            found.append(_Place(name, where, meanings, not is_text, is_required))
    named = frozenset[str]().union(*(place.meanings for place in found if place.where == "path"))
    return [place for place in found if place.where == "path" or not place.meanings & named]


def _inputs(content: dict[str, Any], schemas: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, bool]]:
    for parameter in content["parameters"]:
        yield parameter["name"], parameter["in"], parameter["schema"], parameter["required"]
    if "requestBody" in content:
        body = content["requestBody"]["content"]["application/json"]["schema"]
        described = schemas[body["$ref"].rsplit("/", 1)[1]] if "$ref" in body else body
        for name, schema in described["properties"].items():
            yield name, "body", schema, name in described.get("required", ())


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return schema.get("anyOf", [schema])


def _is_text_list(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "array" and schema.get("items", {}).get("type") == "string"


def _carry(told: Mapping[str, str], taken: list[_Place], target: Operation, takes: list[_Place]) -> _Values:
    """What goes from one operation into another; nothing unless the other takes what the first one tells."""
    values = {
        place: expression
        for place in takes
        for kind, expression in told.items()
        if kind in place.meanings and not (target.is_creation and target.id in IDENTIFIERS[kind].told)
    }
    # A member of a team is one together with the team, which the first request named.
    again = {
        place: known.expression
        for place in takes
        for known in taken
        if place.is_required and known.is_required and place.meanings & known.meanings
    }
    return again | values if values else {}


def _link(target: Operation, values: _Values) -> dict[str, Any]:
    parameters = {
        f"{place.where}.{place.name}": value for place, value in values.items() if place.where != "body"
    }
    body = {
        place.name: [value] if place.is_list else value
        for place, value in values.items()
        if place.where == "body"
    }
    parts = {"parameters": parameters, "requestBody": body}
    return {"operationId": target.id, **{name: part for name, part in parts.items() if part}}


def _success(content: dict[str, Any]) -> dict[str, Any]:
    return next(answer for status, answer in content["responses"].items() if status < "300")
