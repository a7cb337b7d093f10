"""What a client learns about this provider (RFC 7643, sections 5 to 7): features, resource types, schemas."""

from collections.abc import Mapping
from typing import Any

from gateway.identity.scim.attributes import GROUP_URN, USER_URN, Document
from gateway.identity.scim.paging import MOST_SHOWN

__all__ = ["provider_config", "resource_types", "schemas"]

_CORE = "urn:ietf:params:scim:schemas:core:2.0"


def provider_config(root: str) -> Document:
    """The features; `root` is where the resources are."""
    return {
        "schemas": [f"{_CORE}:ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MOST_SHOWN},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": False},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A virtual key whose allowed_routes have /scim/*, or a proxy admin's.",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{root}/ServiceProviderConfig"},
    }


def resource_types(root: str) -> dict[str, Document]:
    """The kinds of resources by id."""
    return {
        name: {
            "schemas": [f"{_CORE}:ResourceType"],
            "id": name,
            "name": name,
            "description": description,
            "endpoint": f"/{name}s",
            "schema": urn,
            "schemaExtensions": [],
            "meta": {"resourceType": "ResourceType", "location": f"{root}/ResourceTypes/{name}"},
        }
        for name, description, urn in (
            ("User", "An internal user", USER_URN),
            ("Group", "A team", GROUP_URN),
        )
    }


def schemas(root: str) -> dict[str, Document]:
    """The schemas by URN: the attributes that are kept."""
    return {
        urn: {
            "schemas": [f"{_CORE}:Schema"],
            "id": urn,
            "name": name,
            "description": description,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": f"{root}/Schemas/{urn}"},
        }
        for urn, name, description, attributes in (
            (USER_URN, "User", "An internal user", _user_attributes()),
            (GROUP_URN, "Group", "A team", _group_attributes()),
        )
    }


def _user_attributes() -> list[Document]:
    name_parts = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
    return [
        _attribute("userName", "The login name", required=True, uniqueness="server"),
        _attribute(
            "externalId", "The user's id at the identity provider", caseExact=True, uniqueness="server"
        ),
        _attribute("displayName", "The name that is shown"),
        _attribute("active", "Whether the user's keys are let in", type="boolean"),
        _attribute("name", "The parts of the name", name_parts, type="complex"),
        _attribute("emails", "The address: one is kept", ("value", "type"), type="complex", multiValued=True),
        _attribute(
            *("groups", "The teams", ("value", "display")),
            type="complex",
            multiValued=True,
            mutability="readOnly",
        ),
    ]


def _group_attributes() -> list[Document]:
    return [
        _attribute("displayName", "The team's name", required=True, uniqueness="server"),
        _attribute("externalId", "The group's id in the directory", caseExact=True, uniqueness="server"),
        _attribute("members", "Users, by id", ("value", "display"), type="complex", multiValued=True),
    ]


def _attribute(name: str, description: str, parts: tuple[str, ...] = (), **features: Any) -> Document:
    usual: Mapping[str, object] = {
        "type": "string",
        "multiValued": False,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    inner = {"subAttributes": [_attribute(part, part) for part in parts]} if parts else {}
    return {"name": name, "description": description, **usual, **features, **inner}
