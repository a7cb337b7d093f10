"""How links come out of the names that operations have for what they tell and take."""

from typing import Any

from gateway.http.description.links import Operation, add_links

_TEXT = {"type": "string"}
_TEXTS = {"anyOf": [{"type": "array", "items": _TEXT}, {"type": "null"}]}
_THINGS = {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}


def operation(
    name: str,
    *,
    tag: str = "team",
    body: dict[str, Any] | None = None,
    is_creation: bool = False,
    **where: str,
) -> Operation:
    """An operation with text parameters (`name="path"`) and members of its body."""
    method, path = name.split(" ")
    parameters = [
        {"name": one, "in": place, "required": place == "path", "schema": _TEXT}
        for one, place in where.items()
    ]
    content: dict[str, Any] = {
        "operationId": name,
        "tags": [tag],
        "parameters": parameters,
        "responses": {"200": {"description": "Done."}, "404": {"description": "Not there."}},
    }
    if body is not None:
        schema = {"type": "object", "properties": body, "required": list(body)}
        content["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return Operation(path, method, content, is_creation=is_creation)


def links(*operations: Operation) -> dict[str, Any]:
    """The links of the first operation's success, after all are described."""
    add_links(operations, {})
    return operations[0].content["responses"]["200"].get("links", {})


def maker(**members: Any) -> Operation:
    return operation("post /team/new", body=members, is_creation=True)


def test_an_identifier_goes_where_its_name_is() -> None:
    made = links(maker(), operation("get /team/info", team_id="query"), operation("get /team/available"))

    assert made == {
        "get_team_info": {
            "operationId": "get /team/info",
            "parameters": {"query.team_id": "$response.body#/team_id"},
        }
    }


def test_a_list_in_the_body_gets_a_list() -> None:
    made = links(maker(), operation("post /team/delete", body={"team_ids": _TEXTS}))

    assert made["post_team_delete"]["requestBody"] == {"team_ids": ["$response.body#/team_id"]}


def test_a_list_of_things_is_no_list_of_identifiers() -> None:
    assert links(maker(), operation("post /team/delete", body={"team_ids": _THINGS})) == {}


def test_what_the_path_names_the_body_need_not() -> None:
    made = links(maker(), operation("patch /team/{team_id}", body={"team_id": _TEXT}, team_id="path"))

    assert made["patch_team_team_id"] == {
        "operationId": "patch /team/{team_id}",
        "parameters": {"path.team_id": "$response.body#/team_id"},
    }


def test_nothing_is_made_twice_under_one_identifier() -> None:
    assert links(maker(team_id=_TEXT)) == {}


def test_a_name_means_what_its_resource_says() -> None:
    made = links(
        operation("post /customer/new", tag="customer", is_creation=True),
        operation("post /customer/block", tag="customer", body={"user_ids": _TEXTS}),
        operation("post /user/delete", tag="user", body={"user_ids": _TEXTS}),
    )

    assert made.keys() == {"post_customer_block"}


def test_a_member_goes_together_with_its_team() -> None:
    made = links(
        operation("post /team/member_add", body={"team_id": _TEXT, "member": {"type": "object"}}),
        operation("post /team/member_delete", body={"team_id": _TEXT, "user_id": _TEXT}),
        operation("get /team/info", team_id="query"),
    )

    assert made == {
        "post_team_member_delete": {
            "operationId": "post /team/member_delete",
            "requestBody": {"team_id": "$request.body#/team_id", "user_id": "$request.body#/member/user_id"},
        }
    }
