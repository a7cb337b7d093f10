"""Refusals with the words that RFC 7644 (section 3.12) has for them."""

from typing import ClassVar

from gateway.errors import BadRequest

__all__ = [
    "InvalidFilter",
    "InvalidPath",
    "InvalidSyntax",
    "InvalidValue",
    "Mutability",
    "NoTarget",
    "ScimRefusal",
]


class ScimRefusal(BadRequest):
    """A request that cannot be carried out; `scim_type` says why to a program."""

    scim_type: ClassVar[str] = "invalidValue"


class InvalidValue(ScimRefusal):
    """A value is missing, or cannot be what it is sent as."""


class InvalidSyntax(ScimRefusal):
    """The body is not what its route reads."""

    scim_type = "invalidSyntax"


class InvalidFilter(ScimRefusal):
    """A filter cannot be read, or asks for what cannot be filtered by."""

    scim_type = "invalidFilter"


class InvalidPath(ScimRefusal):
    """The path of an operation names no attribute."""

    scim_type = "invalidPath"


class NoTarget(ScimRefusal):
    """The path of an operation matches no value."""

    scim_type = "noTarget"


class Mutability(ScimRefusal):
    """An attribute that only the gateway writes."""

    scim_type = "mutability"
