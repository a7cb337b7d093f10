"""Which members of a team's metadata the gateway acts on, as `GET /team/metadata_schema` tells it."""

from types import UnionType
from typing import Any, get_args, get_origin

import msgspec

from gateway.identity.teams.record import METADATA_FIELDS
from gateway.identity.teams.request import NewTeamRequest

__all__ = ["describe_metadata"]

_KINDS = {bool: "Boolean", int: "Integer", str: "String", list: "List", dict: "Dictionary"}


def describe_metadata() -> list[dict[str, object]]:
    """Every member that has a request member of its own, with its kind; only administrators set them."""
    types = {field.name: field.type for field in msgspec.structs.fields(NewTeamRequest)}
    return [{"field_name": name, "field_type": _kind_of(types[name])} for name in sorted(METADATA_FIELDS)]


def _kind_of(annotation: Any) -> str:
    if isinstance(annotation, UnionType) or type(None) in get_args(annotation):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    return _KINDS.get(get_origin(annotation) or annotation, "String")
