"""One side of an ASGI conversation, said in advance, and what the other side answered."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.hooks import RequestHead
from gateway.http.asgi_exchange import AsgiExchange


class Conversation:
    """Hands out messages in order, then says that the client left; `sent` has what was answered."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self._messages = list(messages)
        self.asked = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        return self._messages.pop(0) if self._messages else {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(dict(message))

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.fixture
def make_exchange() -> Callable[..., tuple[AsgiExchange, Conversation]]:
    def make(*messages: dict[str, Any], **headers: str) -> tuple[AsgiExchange, Conversation]:
        conversation = Conversation(*messages)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        head = RequestHead("POST", "/v1/chat/completions", named)
        return AsgiExchange(head, conversation.receive, conversation.send, SystemClock()), conversation

    return make
