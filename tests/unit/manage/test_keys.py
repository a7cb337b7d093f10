from types import SimpleNamespace
from typing import Any

import pytest
from litestar import Response
from litestar.di import Provide
from litestar.testing import create_test_client

from gateway.access.rules import RouteRule
from gateway.catalog.added import NOTHING_ADDED
from gateway.domain import Principal, Role
from gateway.errors import GatewayError
from gateway.identity.keys.control import KeyControl
from gateway.identity.keys.request import DeleteKeysRequest, GenerateKeyRequest
from gateway.identity.keys.service import KeyService
from gateway.identity.services import Services
from gateway.manage.keys import ROUTE_HANDLERS
from gateway.runtime import Gateway

CALLER = Principal(token_hash="hash", user_id="user", role=Role.INTERNAL_USER)


class RecordingKeys(KeyService):
    """Answers with what it was asked."""

    def __init__(self) -> None:
        pass

    async def generate(self, caller: Principal, request: GenerateKeyRequest) -> dict[str, object]:
        return {"by": caller.user_id, "alias": request.key_alias}

    async def info(self, caller: Principal, key: str | None) -> dict[str, object]:
        return {"by": caller.user_id, "key": key}


class RecordingControl(KeyControl):
    """Answers with what it was asked."""

    def __init__(self) -> None:
        pass

    async def delete(self, caller: Principal, request: DeleteKeysRequest) -> dict[str, object]:
        return {"deleted_keys": request.keys, "by": caller.user_id}

    async def set_blocked(self, caller: Principal, key: str, *, is_blocked: bool) -> dict[str, object]:
        return {"key": key, "blocked": is_blocked}


class UnsetGateway(Gateway):
    """A gateway whose database has no settings."""

    def __init__(self) -> None:
        self.parts = SimpleNamespace(added=SimpleNamespace(current=NOTHING_ADDED))


@pytest.fixture
def client():
    def answer(_request: Any, error: GatewayError):
        return Response(dict(error.details), status_code=error.status)

    keys = RecordingKeys()
    gateway = UnsetGateway()
    services = Services(**{**dict.fromkeys(Services.__struct_fields__), "key_control": RecordingControl()})
    with create_test_client(
        list(ROUTE_HANDLERS),
        dependencies={
            "caller": Provide(lambda: CALLER, sync_to_thread=False),
            "key_service": Provide(lambda: keys, sync_to_thread=False),
            "gateway": Provide(lambda: gateway, sync_to_thread=False),
            "services": Provide(lambda: services, sync_to_thread=False),
        },
        exception_handlers={GatewayError: answer},
    ) as client:
        yield client


def test_every_route_declares_its_rule():
    for handler in ROUTE_HANDLERS:
        rule = handler.opt["rule"]
        assert isinstance(rule, RouteRule)
        assert handler.paths == {rule.name}
        assert not rule.is_public


def test_generating_answers_200_and_names_what_was_ignored(client):
    answer = client.post("/key/generate", json={"key_alias": "a", "nonsense": 1})
    assert (answer.status_code, answer.json()) == (200, {"by": "user", "alias": "a"})
    assert answer.headers["x-gatewright-ignored-fields"] == "nonsense"


def test_strictness_is_asked_for_by_a_header(client):
    answer = client.post("/key/generate", json={"key_alais": 1}, headers={"x-gatewright-strict": "true"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "key_alais"]
    assert "key_alias" in answer.json()["detail"][0]["msg"]


def test_the_body_is_read_whatever_its_content_type(client):
    answer = client.post("/key/generate", content=b'{"key_alias": "a"}')
    assert answer.json()["alias"] == "a"


def test_info_is_about_the_caller_by_default(client):
    assert client.get("/key/info").json() == {"by": "user", "key": None}
    assert client.get("/key/info", params={"key": "sk-1"}).json()["key"] == "sk-1"


def test_deleting_blocking_and_unblocking_pass_on_what_they_name(client):
    answer = client.post("/key/delete", json={"keys": ["sk-1"]})
    assert answer.json() == {"deleted_keys": ["sk-1"], "by": "user"}
    assert client.post("/key/block", json={"key": "sk-1"}).json() == {"key": "sk-1", "blocked": True}
    assert client.post("/key/unblock", json={"key": "sk-1"}).json() == {"key": "sk-1", "blocked": False}
    assert client.post("/key/block", json={}).status_code == 422
