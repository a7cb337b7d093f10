"""The helpers for the tests of a plugin."""

from gateway.domain import Endpoint, Role
from gateway.testing import FakeClock, make_context, make_head, make_principal


def test_a_context_is_read_from_its_body() -> None:
    context = make_context({"model": "m", "stream": True}, endpoint=Endpoint.COMPLETIONS)

    assert (context.model, context.routed_model, context.is_stream) == ("m", "m", True)
    assert context.head.path == "/v1/completions"


def test_values_have_defaults_that_can_be_replaced() -> None:
    assert make_principal().role is None
    assert make_principal(role=Role.PROXY_ADMIN).is_admin
    assert make_head(x_call_id="1").headers == {"x-call-id": "1"}


def test_a_fake_clock_moves_only_when_told() -> None:
    clock = FakeClock(now_nanos=5)

    clock.advance(1.5)

    assert (clock.now_nanos(), clock.monotonic_nanos()) == (1_500_000_005, 1_500_000_000)
    assert make_context(clock=clock).started_nanos == 1_500_000_005
