import msgspec
import pytest

from gateway.domain import MODEL_ENDPOINTS, Endpoint
from gateway.errors import BadRequest
from gateway.pipeline.explain.question import Question, Target, build_body, build_head, read_route


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


@pytest.mark.parametrize(
    ("route", "target"),
    [
        ("/v1/chat/completions", Target(Endpoint.CHAT, "")),
        ("/chat/completions", Target(Endpoint.CHAT, "")),
        ("/completions", Target(Endpoint.COMPLETIONS, "")),
        ("/v1/embeddings", Target(Endpoint.EMBEDDINGS, "")),
        ("/engines/a/b/completions", Target(Endpoint.COMPLETIONS, "a/b")),
        ("/openai/deployments/m/chat/completions", Target(Endpoint.CHAT, "m")),
    ],
)
def test_a_route_says_endpoint_and_model(route: str, target: Target) -> None:
    assert read_route(route) == target


@pytest.mark.parametrize("route", ["", "/", "/v1/models", "/v1/chat/completions/", "/engines//completions"])
def test_other_routes_are_refused(route: str) -> None:
    with pytest.raises(BadRequest, match="is no route of models"):
        read_route(route)


@pytest.mark.parametrize("endpoint", MODEL_ENDPOINTS)
def test_a_question_without_a_body_has_the_smallest(endpoint: Endpoint) -> None:
    body = msgspec.json.decode(build_body(Question(model="m"), Target(endpoint, "")))
    assert body.pop("model") == "m"
    assert len(body) == 1


def test_what_is_named_takes_the_place_of_the_bodys_members() -> None:
    given = {"model": raw("n"), "user": raw("bob"), "metadata": raw({"a": 1, "tags": ["x"]}), "n": raw(2)}
    question = Question(model="m", user="ann", tags=["y"], body=given)
    assert msgspec.json.decode(build_body(question, Target(Endpoint.CHAT, ""))) == {
        "model": "m",
        "user": "ann",
        "metadata": {"a": 1, "tags": ["y"]},
        "n": 2,
    }


def test_a_body_that_is_given_alone_is_sent_as_it_is() -> None:
    question = Question(body={"model": raw("n"), "metadata": raw(None)})
    assert build_body(question, Target(Endpoint.CHAT, "")) == b'{"model":"n","metadata":null}'


def test_headers_have_lower_case_names() -> None:
    head = build_head(Question(headers={"X-A": "1"}, user_agent="curl/8", client_ip="10.0.0.1"))
    assert (head.headers, head.client_host) == ({"x-a": "1", "user-agent": "curl/8"}, "10.0.0.1")
