"""Rows of users and teams as SCIM resources, and what of a resource goes into which column."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from gateway.db.rows import Columns
from gateway.identity.rights import members_of
from gateway.identity.scim.attributes import Document
from gateway.identity.scim.request import Email, Name, UserResource

__all__ = ["external_id_of", "group_document", "scim_metadata_of", "user_columns", "user_document"]

_NAME_PARTS = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")


def scim_metadata_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the directory says beyond the columns: a row's `metadata.scim_metadata`."""
    stored = _metadata_of(row).get("scim_metadata")
    return dict(cast("Mapping[str, Any]", stored)) if isinstance(stored, dict) else {}  # JSON has text keys


def external_id_of(team: Mapping[str, Any]) -> str | None:
    """The id that a team has in the directory."""
    return scim_metadata_of(team).get("externalId")


def user_document(row: Mapping[str, Any]) -> Document:
    """The attributes of a user that a client may write."""
    kept, email = scim_metadata_of(row), row["user_email"]
    name = {part: kept[part] for part in _NAME_PARTS if kept.get(part)}
    document: Document = {
        "userName": kept.get("userName") or email or row["user_id"],
        "externalId": row["sso_user_id"],
        "displayName": row["user_alias"],
        "name": name,
        "emails": [{"value": email, "type": "work", "primary": True}] if email else [],
        "active": _metadata_of(row).get("scim_active") is not False,
    }
    return {attribute: value for attribute, value in document.items() if value not in (None, {})}


def user_columns(resource: UserResource, row: Mapping[str, Any] | None) -> Columns:
    """The columns of a user that the directory writes like this; `row` is the stored one.

    Who is to be active stays as it is where the resource does not say it: a deactivated user is not let in by
    an omission.
    """
    metadata: dict[str, Any] = dict(_metadata_of(row) if row else {})
    name = resource.name or Name()
    parts = cast("dict[str, Any]", msgspec.to_builtins(name))  # a struct becomes an object
    kept = scim_metadata_of(row) if row else {}
    kept |= {"userName": resource.user_name, **{part: parts.get(part) for part in _NAME_PARTS}}
    active = metadata.get("scim_active") is not False if resource.active is None else resource.active
    metadata["scim_metadata"] = {name: value for name, value in kept.items() if value}
    metadata["scim_active"] = active
    return {
        "user_email": _address(resource.emails or []),
        "user_alias": resource.display_name or name.formatted or _full_name(name),
        "sso_user_id": resource.external_id or None,
        "metadata": metadata,
    }


def group_document(team: Mapping[str, Any]) -> Document:
    """The attributes of a team that a client may write."""
    members = [_member(entry) for entry in members_of(team) if entry.get("user_id")]
    document: Document = {
        "displayName": team["team_alias"] or team["team_id"],
        "externalId": external_id_of(team),
        "members": members,
    }
    return {attribute: value for attribute, value in document.items() if value is not None}


def _metadata_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return row["metadata"] or {}


def _member(entry: Mapping[str, Any]) -> Document:
    display = {"display": entry["user_email"]} if entry.get("user_email") else {}
    return {"value": entry["user_id"], **display, "type": "User"}


def _address(emails: list[Email]) -> str | None:
    """The primary address, else the first one, in lower case."""
    chosen = next((email for email in emails if email.primary and email.value), None)
    chosen = chosen or next((email for email in emails if email.value), None)
    return chosen.value.strip().lower() or None if chosen and chosen.value else None


def _full_name(name: Name) -> str | None:
    return " ".join(part for part in (name.given_name, name.family_name) if part) or None
