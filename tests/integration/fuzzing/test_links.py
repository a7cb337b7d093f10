"""The links of the document are true: what the one answer tells is what the other request takes."""

import asyncio
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from gateway.http.description.identifiers import IDENTIFIERS
from tests.integration.fuzzing.fuzzed import FuzzedGateway
from tests.integration.fuzzing.recipes import RECIPES, Recipe
from tests.integration.serving import MASTER_KEY, bearer

_SECONDS = 10.0
# These tell of the caller, who need not be there.
_OF_THE_CALLER = {"get /team/{team_id}/members/me"}
_LINKED = [
    ("post /team/new", "get /team/info", {"query.team_id": "$response.body#/team_id"}, None),
    ("post /key/generate", "post /key/block", None, {"key": "$response.body#/key"}),
    ("post /key/generate", "post /key/{key}/regenerate", {"path.key": "$response.body#/key"}, None),
    ("post /customer/new", "post /customer/delete", None, {"user_ids": ["$response.body#/user_id"]}),
]


def _operations(fuzzed: FuzzedGateway) -> dict[str, dict[str, Any]]:
    every = (one for methods in fuzzed.document["paths"].values() for one in methods.values())
    return {one["operationId"]: one for one in every}


def _links(fuzzed: FuzzedGateway) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, operation in _operations(fuzzed).items():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                yield name, link


def _find(expression: str, recipe: Recipe, answer: Any) -> Any:
    """The value that a runtime expression finds in an exchange."""
    place, _, pointer = expression.partition("#/")
    if place.startswith("$request.path."):
        return recipe.path_parameters[place.removeprefix("$request.path.")]
    value = {"$response.body": answer, "$request.body": recipe.body}[place]
    for part in pointer.split("/"):
        value = value[int(part) if isinstance(value, list) else part]
    return value


@pytest.mark.parametrize(("source", "target", "parameters", "body"), _LINKED)
def test_what_is_made_leads_to_what_can_be_done_with_it(
    fuzzed: FuzzedGateway, source: str, target: str, parameters: Any, body: Any
) -> None:
    [link] = [link for name, link in _links(fuzzed) if (name, link["operationId"]) == (source, target)]

    assert (link.get("parameters"), link.get("requestBody")) == (parameters, body)


def test_every_link_leads_to_an_operation_and_gives_what_it_takes(fuzzed: FuzzedGateway) -> None:
    operations, schemas = _operations(fuzzed), fuzzed.document["components"]["schemas"]

    for source, link in _links(fuzzed):
        target = operations[link["operationId"]]
        taken = {f"{one['in']}.{one['name']}" for one in target["parameters"]}
        assert link.get("parameters", {}).keys() <= taken, (source, link)
        if "requestBody" in link:
            schema = target["requestBody"]["content"]["application/json"]["schema"]
            described = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
            assert link["requestBody"].keys() <= described["properties"].keys(), (source, link)


def test_every_name_that_identifies_something_is_one_of_a_request(fuzzed: FuzzedGateway) -> None:
    operations = _operations(fuzzed)
    told = {name for one in IDENTIFIERS.values() for name in one.told}
    used = {name.split(".", 1)[-1] for _, link in _links(fuzzed) for name in link.get("parameters", ())}
    used |= {name for _, link in _links(fuzzed) for name in link.get("requestBody", ())}

    assert told == RECIPES.keys()
    assert told <= operations.keys()
    for kind, one in IDENTIFIERS.items():
        names = one.names.union(*one.own.values())
        assert names, kind
        assert names <= used, (kind, names - used)


def test_every_link_finds_its_values_in_the_exchange(fuzzed: FuzzedGateway) -> None:
    for source in RECIPES:
        recipe = fuzzed.cook.prepare(source)
        answer = fuzzed.cook.send(source, recipe)
        expressions = {
            expression
            for name, link in _links(fuzzed)
            if name == source
            for value in (*link.get("parameters", {}).values(), *link.get("requestBody", {}).values())
            for expression in (value if isinstance(value, list) else [value])
        }
        assert expressions, source
        for expression in expressions:
            assert isinstance(_find(expression, recipe, answer), str), (source, expression)


@pytest.mark.parametrize("source", sorted(RECIPES))
async def test_what_an_answer_tells_is_found_by_the_requests_that_read(
    fuzzed: FuzzedGateway, source: str
) -> None:
    recipe = fuzzed.cook.prepare(source)
    answer = fuzzed.cook.send(source, recipe)
    async with httpx.AsyncClient(base_url=fuzzed.origin, headers=bearer(MASTER_KEY), verify=False) as client:
        for link in _readers(fuzzed, source):
            values = {place: _find(value, recipe, answer) for place, value in link["parameters"].items()}
            status = await _read(client, link["operationId"].removeprefix("get "), values)
            assert status in (200, 400), (link, status)


def _readers(fuzzed: FuzzedGateway, source: str) -> Iterator[dict[str, Any]]:
    """The links to requests that only read and need nothing else."""
    operations = _operations(fuzzed)
    for name, link in _links(fuzzed):
        target = link["operationId"]
        needed = {f"{one['in']}.{one['name']}" for one in operations[target]["parameters"] if one["required"]}
        is_whole = needed <= link.get("parameters", {}).keys()
        if name == source and target.startswith("get ") and is_whole and target not in _OF_THE_CALLER:
            yield link


async def _read(client: httpx.AsyncClient, path: str, values: dict[str, str]) -> int:
    """The status of the answer, once the gateway knows what was made: models and costs take a moment."""
    places = {tuple(place.split(".", 1)): value for place, value in values.items()}
    in_path = {name: value for (where, name), value in places.items() if where == "path"}
    query = {name: value for (where, name), value in places.items() if where == "query"}
    async with asyncio.timeout(_SECONDS):
        while True:
            status = (await client.get(path.format_map(in_path), params=query)).status_code
            if status != HTTPStatus.NOT_FOUND:
                return status
            await asyncio.sleep(0.05)
