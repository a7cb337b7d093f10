"""Requests leave nothing behind that only the garbage collector can free: their bodies may be large."""

import gc
from collections.abc import Iterator

import pytest

from gateway.hooks import RequestContext
from gateway.http.rsgi_exchange import RsgiExchange
from gateway.sdk import Content, Guardrail, GuardrailCall, Verdict
from gateway.settings.guardrails import GuardrailMode
from tests.integration.request_path.guarded import DURING, POST, install
from tests.integration.serving import LiveGateway, deployment, eventually
from tests.upstreams import Reply, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

ENDINGS: dict[str, tuple[Reply, str, dict[str, object]]] = {
    "answered": (replies.ok(), "m", {}),
    "streamed": (replies.stream(["one"]), "m", {"stream": True}),
    "refused": (replies.ok(), "no-such-model", {}),
    "provider's error": (replies.error(500, "trouble"), "m", {}),
    "provider's error to a stream": (replies.error(400, "trouble"), "m", {"stream": True}),
    "connection reset": (replies.reset(), "m", {}),
    "stream broken off": (replies.stream(["one"], ends=False), "m", {"stream": True}),
}


class Idle(Guardrail):
    """Passes everything."""

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        del content, call


@pytest.fixture(scope="module", autouse=True)
def only_new_objects() -> Iterator[None]:
    """The collector passes over what tests before have left, which would take a second each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def count_kept() -> int:
    return sum(isinstance(each, RequestContext | RsgiExchange) for each in gc.get_objects())


@pytest.mark.parametrize("mode", [None, DURING, POST])
@pytest.mark.parametrize(("reply", "model", "members"), ENDINGS.values(), ids=ENDINGS)
async def test_a_request_is_freed_when_it_ends(
    live: LiveGateway,
    key: str,
    reply: Reply,
    model: str,
    members: dict[str, object],
    mode: GuardrailMode | None,
) -> None:
    live.configure(
        deployment("m", live.upstream), router_settings={"num_retries": 0, "disable_cooldowns": True}
    )
    if mode is not None:
        install(live, Idle(), mode)
    live.upstream.default = reply
    await live.chat(key, model, **members)
    await live.settled()
    gc.collect()
    before = count_kept()
    gc.disable()
    try:
        for _ in range(5):
            await live.chat(key, model, **members)
        await live.settled()
        await eventually(lambda: count_kept() <= before)
    finally:
        gc.enable()
