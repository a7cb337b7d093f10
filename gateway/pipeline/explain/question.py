"""The request that somebody asks about: what it would say, put together as a client would send it."""

from collections.abc import Mapping
from typing import cast

import msgspec

from gateway.domain import MODEL_ENDPOINTS, Endpoint
from gateway.errors import BadRequest
from gateway.hooks import RequestHead

__all__ = ["Question", "Target", "build_body", "build_head", "read_route"]

_MOUNTS = ("/openai/deployments/", "/engines/")
_CONTENTS: Mapping[Endpoint, tuple[str, object]] = {
    Endpoint.CHAT: ("messages", [{"role": "user", "content": "."}]),
    Endpoint.COMPLETIONS: ("prompt", "."),
    Endpoint.EMBEDDINGS: ("input", "."),
    Endpoint.RESPONSES: ("input", "."),
}
"""What stands in for the content of a question without a body."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A request as somebody describes it.

    `key` is a key, its hash or its alias; without one the asker's own is meant. What is named beside `body`
    takes the place of its members. `client_ip` is the address of the peer.
    """

    key: str | None = None
    model: str | None = None
    route: str = "/v1/chat/completions"
    user: str | None = None
    tags: list[str] | None = None
    user_agent: str | None = None
    client_ip: str | None = None
    headers: dict[str, str] | None = None
    body: dict[str, msgspec.Raw] | None = None


class Target(msgspec.Struct, frozen=True):
    """What a route leads to; `model` is the one that its path names, or empty."""

    endpoint: Endpoint
    model: str


def read_route(route: str) -> Target:
    """Read the path of an inference route; raises BadRequest for any other."""
    # The longest first: one is the end of another.
    for endpoint in sorted(MODEL_ENDPOINTS, key=lambda one: -len(one.value)):
        if route in (f"/v1/{endpoint.value}", f"/{endpoint.value}"):
            return Target(endpoint, "")
        for mount in _MOUNTS:
            model = route.removeprefix(mount).removesuffix(f"/{endpoint.value}")
            if model and route == f"{mount}{model}/{endpoint.value}":
                return Target(endpoint, model)
    expected = ", ".join(f"/v1/{endpoint.value}" for endpoint in MODEL_ENDPOINTS)
    raise BadRequest(f"'{route[:200]}' is no route of models; there are {expected}.", param="route")


def build_head(question: Question) -> RequestHead:
    """The head that the request would have."""
    headers = {name.lower(): value for name, value in (question.headers or {}).items()}
    if question.user_agent is not None:
        headers["user-agent"] = question.user_agent
    return RequestHead("POST", question.route, headers, client_host=question.client_ip)


def build_body(question: Question, target: Target) -> bytes:
    """The body that the request would have; without one it is the smallest that the route takes."""
    members: dict[str, object] = {}
    if question.body is None:
        name, content = _CONTENTS[target.endpoint]
        members[name] = content
    else:
        members |= question.body
    if question.model is not None:
        members["model"] = question.model
    if question.user is not None:
        members["user"] = question.user
    if question.tags is not None:
        members["metadata"] = {**_metadata_of(question), "tags": question.tags}
    return msgspec.json.encode(members)


def _metadata_of(question: Question) -> Mapping[str, object]:
    raw = (question.body or {}).get("metadata", msgspec.Raw(b"null"))
    try:
        found: object = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest("The member 'metadata' is not valid JSON.", param="body.metadata") from None
    return (
        cast("Mapping[str, object]", found) if isinstance(found, dict) else {}
    )  # JSON objects have text keys
