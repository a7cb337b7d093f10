"""PATCH as Okta, Microsoft Entra and the RFC write it."""

from typing import Any

import pytest

from gateway.identity.scim.attributes import GROUP, GROUP_URN, USER, USER_URN, Document
from gateway.identity.scim.patching import patch
from gateway.identity.scim.refusals import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    ScimRefusal,
)
from gateway.identity.scim.request import PatchOperation, UserResource, read_patch, to_resource

ADA: Document = {
    "userName": "ada@example.com",
    "displayName": "Ada",
    "name": {"givenName": "Ada"},
    "emails": [{"value": "ada@example.com", "type": "work", "primary": True}],
    "active": True,
}
TEAM: Document = {"displayName": "Engines", "members": [{"value": "a"}, {"value": "b"}]}
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"


def _operations(*operations: dict[str, Any]) -> list[PatchOperation]:
    return [PatchOperation(**operation) for operation in operations]


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        # Okta
        ({"op": "replace", "value": {"active": False}}, {"active": False}),
        ({"op": "replace", "value": {"id": "x", "displayName": "B"}}, {"displayName": "B"}),
        # Entra
        ({"op": "Replace", "path": "active", "value": "False"}, {"active": "False"}),
        ({"op": "Add", "value": {"name.givenName": "Augusta"}}, {"name": {"givenName": "Augusta"}}),
        (
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "b@c.d"},
            {"emails": [{"value": "b@c.d", "type": "work", "primary": True}]},
        ),
        (
            {"op": "Add", "path": 'emails[type eq "home"].value', "value": "b@c.d"},
            {"emails": [*ADA["emails"], {"type": "home", "value": "b@c.d"}]},
        ),
        ({"op": "Add", "path": _ENTERPRISE, "value": "Engines"}, {}),
        ({"op": "Replace", "path": "title", "value": "Countess"}, {}),
        ({"op": "Add", "path": f"{USER_URN}:displayName", "value": "B"}, {"displayName": "B"}),
        # the RFC
        ({"op": "replace", "path": "DISPLAYNAME", "value": "B"}, {"displayName": "B"}),
        ({"op": "remove", "path": "displayName"}, {"displayName": None}),
        (
            {"op": "replace", "path": "name", "value": {"FamilyName": "L"}},
            {"name": {"givenName": "Ada", "familyName": "L"}},
        ),
        ({"op": "remove", "path": "name.givenName"}, {"name": {}}),
        ({"op": "remove", "path": 'emails[type eq "work"]'}, {"emails": []}),
        ({"op": "remove", "path": 'emails[type eq "home"]'}, {}),
        (
            {"op": "remove", "path": "emails[primary eq true].primary"},
            {"emails": [{"value": "ada@example.com", "type": "work"}]},
        ),
        ({"op": "remove", "path": "emails"}, {"emails": []}),
        (
            {"op": "add", "path": "emails", "value": {"value": "b@c.d", "primary": True}},
            {"emails": [{**ADA["emails"][0], "primary": False}, {"value": "b@c.d", "primary": True}]},
        ),
    ],
)
def test_operations_on_a_user(operation: dict[str, Any], changed: Document) -> None:
    expected = {name: value for name, value in {**ADA, **changed}.items() if value is not None}

    assert patch(ADA, _operations(operation), USER) == expected
    assert ADA["displayName"] == "Ada"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ({"op": "add", "path": "members", "value": [{"value": "c", "display": "C"}, {"value": "a"}]}, "abc"),
        ({"op": "Add", "path": "members", "value": [{"$ref": None, "value": "c"}]}, "abc"),
        ({"op": "add", "value": {"members": [{"value": "c"}]}}, "abc"),
        ({"op": "remove", "path": 'members[value eq "a"]'}, "b"),
        ({"op": "remove", "path": 'members[value eq "z"]'}, "ab"),
        ({"op": "Remove", "path": "members", "value": [{"value": "a"}]}, "b"),
        ({"op": "Remove", "path": f"{GROUP_URN}:members", "value": ["a", "b"]}, ""),
        ({"op": "remove", "path": "members"}, ""),
        ({"op": "replace", "path": "members", "value": [{"value": "c"}]}, "c"),
        ({"op": "replace", "path": "members", "value": []}, ""),
        ({"op": "replace", "value": {"id": "g", "displayName": "Engines"}}, "ab"),
    ],
)
def test_operations_on_members(operation: dict[str, Any], members: str) -> None:
    changed = patch(TEAM, _operations(operation), GROUP)

    assert [member["value"] for member in changed["members"]] == list(members)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{}", "Operations: Field required"),
        (b'{"operations": [{"op": "add"}, {}]}', "Operations.1.op: Field required"),
        (b'{"Operations": {}}', "Operations: Expected `array`, got `object`"),
    ],
)
def test_a_body_without_operations_is_refused_with_the_place(body: bytes, message: str) -> None:
    with pytest.raises(InvalidSyntax) as raised:
        read_patch(body)
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("operation", "refusal"),
    [
        ({"op": "move", "path": "active"}, InvalidSyntax),
        ({"op": "remove"}, NoTarget),
        ({"op": "replace", "path": 'emails[type eq "home"].value', "value": "x"}, NoTarget),
        ({"op": "replace", "value": "x"}, InvalidValue),
        ({"op": "add", "path": "name", "value": "Ada"}, InvalidValue),
        ({"op": "replace", "path": "nothing", "value": 1}, InvalidPath),
        ({"op": "replace", "path": "name.nothing", "value": 1}, InvalidPath),
        ({"op": "replace", "path": "emails[nothing eq true]", "value": {}}, InvalidPath),
        ({"op": "replace", "path": 'userName[value eq "a"]', "value": "x"}, InvalidPath),
        ({"op": "replace", "path": "emails[", "value": "x"}, InvalidPath),
        ({"op": "replace", "path": 'emails[value co "a"]', "value": {}}, InvalidFilter),
        ({"op": "replace", "path": "id", "value": "x"}, Mutability),
        ({"op": "add", "path": "groups", "value": []}, Mutability),
    ],
)
def test_what_cannot_be_done_is_refused(operation: dict[str, Any], refusal: type[ScimRefusal]) -> None:
    with pytest.raises(ScimRefusal) as raised:
        patch(ADA, _operations(operation), USER)

    assert type(raised.value) is refusal


@pytest.mark.parametrize("text", ["False", "false", False])
def test_booleans_in_quotes_are_booleans(text: object) -> None:
    changed = patch(ADA, _operations({"op": "Replace", "path": "active", "value": text}), USER)

    assert to_resource(changed, UserResource).active is False
