"""The attributes of users and groups: which are kept, which are ignored, which only the gateway writes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import msgspec

from gateway.identity.scim.refusals import InvalidPath, InvalidValue, Mutability

__all__ = ["GROUP", "GROUP_URN", "USER", "USER_URN", "Attribute", "Attributes", "Document"]

Document = dict[str, Any]
"""The attributes of a resource, by their names in RFC 7643."""

USER_URN = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_URN = "urn:ietf:params:scim:schemas:core:2.0:Group"


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute that is kept. `parts` are its sub-attributes by their names in lower case."""

    name: str
    parts: Mapping[str, str] = {}
    is_list: bool = False

    def part(self, name: str) -> str:
        """The sub-attribute of this name in whatever case; raises InvalidPath."""
        found = self.parts.get(name.lower())
        if found is None:
            raise InvalidPath(f"'{self.name}' has no sub-attribute '{name}'.", param="path")
        return found

    def read(self, value: object) -> Any:
        """A value with its sub-attributes spelled as the RFC has them; of a list always a list."""
        if self.is_list:
            items = cast("list[object]", value) if isinstance(value, list) else [value]  # JSON
            return [self._read_item(item) for item in items if item is not None]
        return self._read_item(value) if self.parts and value is not None else value

    def _read_item(self, item: object) -> Document:
        if isinstance(item, str) and self.is_list:
            return {"value": item}
        if not isinstance(item, dict):
            raise InvalidValue(f"{self.name}: must be an object.", param=self.name)
        members = cast("Mapping[str, object]", item)  # JSON objects have text keys
        return {self.parts.get(name.lower(), name): inner for name, inner in members.items()}


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes of one kind of resource; the names in the sets are in lower case."""

    urn: str
    kept: Mapping[str, Attribute]
    """By their names in lower case."""
    ignored: frozenset[str] = frozenset()
    """Others of the schema: they are accepted, and not kept."""
    read_only: frozenset[str]

    def find(self, name: str) -> Attribute | None:
        """The attribute of this name in whatever case; None for one that is not kept.

        Raises InvalidPath for one that there is not, Mutability for one that only the gateway writes.
        """
        lowered = name.lower()
        found = self.kept.get(lowered)
        if found is not None or lowered in self.ignored:
            return found
        if lowered in self.read_only:
            raise Mutability(f"'{name}' is written by the gateway alone.", param="path")
        raise InvalidPath(f"There is no attribute '{name[:100]}'. {self._known()}", param="path")

    def without_urn(self, path: str) -> str:
        """A path without the name of the schema in front."""
        prefix = f"{self.urn}:"
        return path[len(prefix) :] if path.lower().startswith(prefix.lower()) else path

    def read(self, members: Mapping[str, object]) -> Document:
        """Those members of a body that are kept, with the RFC's spelling."""
        found = ((self.kept.get(self.without_urn(name).lower()), value) for name, value in members.items())
        return {attribute.name: attribute.read(value) for attribute, value in found if attribute is not None}

    def _known(self) -> str:
        return f"Known are: {', '.join(attribute.name for attribute in self.kept.values())}."


def _parts(*names: str) -> Mapping[str, str]:
    return MappingProxyType({name.lower(): name for name in names})


def _kept(*attributes: Attribute) -> Mapping[str, Attribute]:
    return MappingProxyType({attribute.name.lower(): attribute for attribute in attributes})


_READ_ONLY = frozenset({"id", "meta", "schemas"})

USER = Attributes(
    urn=USER_URN,
    kept=_kept(
        Attribute(name="userName"),
        Attribute(name="externalId"),
        Attribute(name="displayName"),
        Attribute(name="active"),
        Attribute(
            name="name",
            parts=_parts(
                *("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
            ),
        ),
        Attribute(name="emails", parts=_parts("value", "type", "primary", "display"), is_list=True),
    ),
    ignored=frozenset(
        {
            *("nickname", "profileurl", "title", "usertype", "preferredlanguage", "locale", "timezone"),
            *("password", "phonenumbers", "ims", "photos", "addresses", "entitlements", "roles"),
            "x509certificates",
        }
    ),
    read_only=_READ_ONLY | {"groups"},
)
GROUP = Attributes(
    urn=GROUP_URN,
    kept=_kept(
        Attribute(name="displayName"),
        Attribute(name="externalId"),
        Attribute(name="members", parts=_parts("value", "display", "type", "$ref"), is_list=True),
    ),
    read_only=_READ_ONLY,
)
