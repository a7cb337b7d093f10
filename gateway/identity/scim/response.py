"""What the SCIM routes answer: resources with what the gateway says about them, and lists of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from gateway.identity.scim.attributes import GROUP_URN, USER_URN, Document
from gateway.identity.scim.documents import group_document, user_document
from gateway.identity.scim.request import ListQuery
from gateway.identity.scim.store import Directory

__all__ = ["ResourceView", "Selection", "list_response"]

_LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_ALWAYS = frozenset({"schemas", "id"})


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Where the resources are (`root`, without a slash at the end), and which attributes are wanted."""

    root: str
    wanted: frozenset[str] = frozenset()
    """In lower case; all if there are none."""
    unwanted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, root: str, query: ListQuery) -> "Selection":
        """What a request asks for with `attributes` and `excludedAttributes`."""
        return cls(root=root, wanted=_names(query.attributes), unwanted=_names(query.excluded_attributes))

    def place(self, kind: str, identifier: str) -> str:
        """The address of a resource; ids may have any character."""
        return f"{self.root}/{kind}/{quote(identifier, safe='@')}"

    def choose(self, document: Document) -> Document:
        """The attributes that are wanted, and those that are always there."""
        return {name: value for name, value in document.items() if self.has(name)}

    def has(self, name: str) -> bool:
        """Whether an attribute is shown."""
        lowered = name.lower()
        if lowered in _ALWAYS:
            return True
        return lowered not in self.unwanted and (not self.wanted or lowered in self.wanted)


class ResourceView:
    """Shows users and teams as resources. Raises DatabaseUnavailable."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def users(self, rows: Sequence[Mapping[str, Any]], selection: Selection) -> list[Document]:
        """Users with their groups, in one statement at most."""
        names: dict[str, str | None] = {}
        if selection.has("groups"):
            names = await self._directory.name_teams(team for row in rows for team in row["teams"] or ())
        return [self._user(row, names, selection) for row in rows]

    async def user(self, row: Mapping[str, Any], selection: Selection) -> Document:
        """One user."""
        return (await self.users([row], selection))[0]

    def group(self, team: Mapping[str, Any], selection: Selection) -> Document:
        """One team."""
        document = group_document(team)
        for member in document["members"]:
            member["$ref"] = selection.place("Users", member["value"])
        place = selection.place("Groups", team["team_id"])
        shown = {
            "schemas": [GROUP_URN],
            "id": team["team_id"],
            **document,
            "meta": _meta(team, "Group", place),
        }
        return selection.choose(shown)

    def _user(
        self, row: Mapping[str, Any], names: Mapping[str, str | None], selection: Selection
    ) -> Document:
        groups = [
            {"value": team, "display": names[team] or team, "$ref": selection.place("Groups", team)}
            for team in row["teams"] or ()
            if team in names
        ]
        place = selection.place("Users", row["user_id"])
        shown = {"schemas": [USER_URN], "id": row["user_id"], **user_document(row), "groups": groups}
        return selection.choose({**shown, "meta": _meta(row, "User", place)})


def list_response(total: int, start_index: int, resources: Sequence[Document]) -> Document:
    """A page of a list."""
    return {
        "schemas": [_LIST_URN],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }


def _meta(row: Mapping[str, Any], kind: str, place: str) -> Document:
    moments: dict[str, datetime | None] = {"created": row["created_at"], "lastModified": row["updated_at"]}
    shown = {name: moment.isoformat() for name, moment in moments.items() if moment is not None}
    return {"resourceType": kind, **shown, "location": place}


def _names(text: str | None) -> frozenset[str]:
    """Top-level names, without the schema in front and without sub-attributes."""
    names = (name.strip().rpartition(":")[2].partition(".")[0].lower() for name in (text or "").split(","))
    return frozenset(name for name in names if name)
