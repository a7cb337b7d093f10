"""The bodies and parameters of the SCIM routes; the names on the wire are those of RFC 7643 and RFC 7644."""

from typing import Annotated, Any, TypeVar

import msgspec

from gateway.identity.scim.attributes import Attributes, Document
from gateway.identity.scim.refusals import InvalidSyntax, InvalidValue
from gateway.wire.faults import sentence_of

__all__ = [
    "Email",
    "GroupMember",
    "GroupResource",
    "ListQuery",
    "Name",
    "PatchOperation",
    "PatchRequest",
    "UserResource",
    "read_patch",
    "read_resource",
    "to_resource",
]

T = TypeVar("T", bound=msgspec.Struct)
_LONGEST = 512
Text = Annotated[str, msgspec.Meta(max_length=_LONGEST)]
Named = Annotated[str, msgspec.Meta(max_length=_LONGEST, pattern=r"\S")]
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Name(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The parts of a person's name."""

    formatted: Text | None = None
    family_name: Text | None = None
    given_name: Text | None = None
    middle_name: Text | None = None
    honorific_prefix: Text | None = None
    honorific_suffix: Text | None = None


class Email(msgspec.Struct, frozen=True, kw_only=True):
    """An address."""

    value: Text | None = None
    type: Text | None = None
    primary: bool | None = None


class UserResource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A user as the directory writes it."""

    user_name: Named
    external_id: Text | None = None
    display_name: Text | None = None
    name: Name | None = None
    emails: list[Email] | None = None
    active: bool | None = None


class GroupMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a group; `value` is the id of the user."""

    value: Text


class GroupResource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A group as the directory writes it; without `members` they stay who they are."""

    display_name: Named
    external_id: Text | None = None
    members: list[GroupMember] | None = None


class PatchOperation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of a PATCH."""

    op: str
    path: str | None = None
    value: Any = None


class PatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a PATCH."""

    operations: list[PatchOperation] = msgspec.field(name="Operations")


class ListQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The parameters of a list; `start_index` counts from 1."""

    filter: str | None = None
    start_index: int = 1
    count: int | None = None
    attributes: str | None = None
    excluded_attributes: str | None = None


def read_resource(data: bytes, attributes: Attributes, kind: type[T]) -> T:
    """A resource of a body, whose names may be in any case; raises InvalidSyntax, InvalidValue."""
    return to_resource(attributes.read(_members_of(data)), kind)


def read_patch(data: bytes) -> PatchRequest:
    """The operations of a body; raises InvalidSyntax."""
    members = _members_of(data)
    operations = next((value for name, value in members.items() if name.lower() == "operations"), None)
    given = {} if operations is None else {"Operations": operations}
    try:
        return msgspec.convert(given, PatchRequest)
    except msgspec.ValidationError as error:
        raise InvalidSyntax(sentence_of(error, PatchRequest), param="Operations") from None


def to_resource(document: Document, kind: type[T]) -> T:
    """The attributes as their struct: booleans may be in quotes; raises InvalidValue."""
    given = {name: value for name, value in document.items() if value is not None}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"The resource cannot be read: {sentence_of(error, kind)}") from None


def _members_of(data: bytes) -> dict[str, Any]:
    if rb"\u0000" in data:
        raise InvalidValue("The character U+0000 cannot be stored.")
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidSyntax(f"The body is no JSON object: {error}") from None
