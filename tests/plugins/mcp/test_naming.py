"""Faults of transport are told of the MCP server, others as they are."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from gateway_mcp.faults import ServerTimeoutError, ServerUnreachableError
from gateway_mcp.transports.naming import NamingForwarder

from gateway.errors import UpstreamError, UpstreamRateLimited
from gateway.hooks import ForwardRequest
from gateway.upstream import faults

REQUEST = ForwardRequest("POST", "http://a.example/mcp", (), None, 1.0, 1.0, 1_000)
WHO = "the MCP server 'a'"


class Failing:
    def __init__(self, fault: UpstreamError, *, when_read: bool = False) -> None:
        self.fault = fault
        self.when_read = when_read

    @asynccontextmanager
    async def forward(self, request: ForwardRequest):
        if not self.when_read:
            raise self.fault
        yield SimpleNamespace(status=200, headers=(), read_chunk=self._read)

    async def _read(self) -> bytes:
        raise self.fault


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        (faults.connection_failed(), ServerUnreachableError, "Cannot connect to the MCP server 'a'."),
        (
            faults.connection_timed_out(),
            ServerTimeoutError,
            "Connecting to the MCP server 'a' took too long.",
        ),
        (faults.no_answer_in_time(3), ServerTimeoutError, "The MCP server 'a' did not answer in time."),
        (faults.connection_lost(), UpstreamError, "The MCP server 'a' has hung up without an answer."),
        (faults.answer_broke_off(), UpstreamError, "The answer of the MCP server 'a' broke off."),
        (faults.address_is_not_public(), UpstreamError, "The address of the MCP server 'a' does not lead to"),
    ],
)
@pytest.mark.parametrize("when_read", [False, True])
async def test_a_fault_names_the_server(
    fault: UpstreamError, kind: type[UpstreamError], told: str, *, when_read: bool
) -> None:
    with pytest.raises(kind) as raised:
        async with NamingForwarder(Failing(fault, when_read=when_read), WHO).forward(REQUEST) as stream:
            await stream.read_chunk()

    assert raised.value.message.startswith(told)
    assert raised.value.is_sent == fault.is_sent


async def test_what_is_no_fault_of_transport_says_what_it_is() -> None:
    fault = UpstreamRateLimited("Ask again in a minute.")

    with pytest.raises(UpstreamRateLimited) as raised:
        async with NamingForwarder(Failing(fault), WHO).forward(REQUEST):
            raise AssertionError

    assert raised.value is fault
