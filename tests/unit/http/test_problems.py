"""How wrong members and parameters are answered: the contract's list of faults, not an error object."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from litestar import Litestar, Request, get, post
from litestar.params import FromQuery, QueryParameter
from litestar.testing import TestClient

from gateway.errors import GatewayError, ValidationFailed
from gateway.http.problems import EXCEPTION_HANDLERS

FAULTS = [{"loc": ["body", "models"], "msg": "Expected `array`", "type": "type_error"}]


@get("/faults")
async def faults() -> None:
    raise ValidationFailed("body.models: Expected `array`", details={"detail": FAULTS})


@get("/sentence")
async def sentence() -> None:
    raise ValidationFailed("A key cannot expire before it is made.", param="duration")


@get("/number")
async def number(count: FromQuery[int], page: FromQuery[int]) -> int:
    return count + page


@get("/choice")
async def choice(in_file: Annotated[Literal["csv", "json"], QueryParameter(name="format")]) -> str:
    return in_file


@get("/error")
async def error() -> None:
    raise GatewayError("No.", status=418, type="teapot")


@post("/body", request_max_body_size=100)
async def body(request: Request[Any, Any, Any]) -> str:
    return (await request.body()).decode()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    app = Litestar([faults, sentence, number, choice, error, body], exception_handlers=EXCEPTION_HANDLERS)
    with TestClient(app) as client:
        yield client


def detail(client: TestClient[Litestar], path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"detail"}
    return answer.json()["detail"]


def test_the_faults_of_a_body_are_listed(client):
    assert detail(client, "/faults") == FAULTS


def test_a_rule_that_names_a_member_is_a_fault_of_it(client):
    message = "A key cannot expire before it is made."
    assert detail(client, "/sentence") == [
        {"loc": ["body", "duration"], "msg": message, "type": "value_error"}
    ]


def test_every_wrong_parameter_is_a_fault_of_the_query(client):
    found = detail(client, "/number?count=many&page=x")
    assert sorted(item["loc"] for item in found) == [["query", "count"], ["query", "page"]]
    assert [item["loc"] for item in detail(client, "/number?count=many&page=1")] == [["query", "count"]]


def test_a_parameter_that_is_missing_is_named(client):
    missing = {"msg": "Field required", "type": "missing"}
    assert detail(client, "/number?count=1") == [{"loc": ["query", "page"], **missing}]
    assert detail(client, "/choice") == [{"loc": ["query", "format"], **missing}]


def test_a_choice_tells_what_it_may_be_under_the_name_that_clients_send(client):
    (fault,) = detail(client, "/choice?format=xml")
    assert (fault["loc"], fault["msg"]) == (["query", "format"], "'xml' is not one of csv, json.")


def test_a_wrong_method_is_told_what_the_path_answers(client):
    answer = client.delete("/error")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS")
    assert answer.json()["error"]["message"] == "/error answers GET, not DELETE."


def test_a_path_that_answers_nothing_is_none(client):
    answer = client.request("CONNECT", "/nowhere")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


def test_a_body_beyond_the_limit_is_told_the_limit(client):
    answer = client.post("/body", content=b"x" * 101)
    assert answer.status_code == 413
    error = answer.json()["error"]
    assert error["message"] == "The request body is larger than 100 bytes, the limit of this gateway."
    assert (error["type"], error["param"]) == ("invalid_request_error", "body")


def test_any_other_error_stays_an_error_object(client):
    answer = client.get("/error")
    assert (answer.status_code, answer.json()["error"]["type"]) == (418, "teapot")
