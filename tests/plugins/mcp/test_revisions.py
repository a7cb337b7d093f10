"""Revisions of the protocol: which are spoken, and what a server may have that names one."""

import msgspec
import pytest
from gateway_mcp.revisions import Revisions, UnsupportedRevisionError
from gateway_mcp.server_terms import McpServer
from gateway_mcp.wire import HANDSHAKE, HANDSHAKES, MODERN

from gateway.testing import make_head

URL = "https://a.example/mcp"


@pytest.mark.parametrize(
    ("advertised", "pinned", "wished", "agreed"),
    [
        (None, None, "2024-11-05", "2024-11-05"),
        (None, None, "2099-01-01", HANDSHAKE),
        (None, "2025-03-26", HANDSHAKE, "2025-03-26"),
        ((MODERN, "2025-06-18"), None, HANDSHAKE, "2025-06-18"),
        ((MODERN, "2025-06-18"), None, None, "2025-06-18"),
        ((MODERN,), None, HANDSHAKE, None),
        ((MODERN, "2025-06-18"), MODERN, "2025-06-18", None),
        (("2025-06-18",), "2025-03-26", "2025-06-18", None),
    ],
)
def test_what_a_handshake_agrees_on(advertised, pinned, wished, agreed):
    revisions = Revisions(advertised).narrowed(pinned)
    if agreed is not None:
        assert revisions.agree(wished) == agreed
        return
    with pytest.raises(UnsupportedRevisionError) as caught:
        revisions.agree(wished)
    assert caught.value.details["data"]["supported"] == list(revisions.all)


def test_a_message_without_a_revision_is_of_the_oldest_ones():
    message, session = {"method": "tools/list"}, {"mcp_session_id": "s"}
    for advertised, is_served in ((HANDSHAKES[:1], True), (HANDSHAKES[1:2], True), (HANDSHAKES[2:], False)):
        revisions = Revisions(advertised)
        revisions.check(make_head(**session), message)
        if is_served:
            revisions.check(make_head(), message)
        else:
            with pytest.raises(UnsupportedRevisionError, match="2025-03-26"):
                revisions.check(make_head(), message)


def test_a_header_and_a_message_are_both_read():
    revisions = Revisions(("2025-06-18",))
    inside = {
        "method": "tools/list",
        "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": MODERN}},
    }
    with pytest.raises(UnsupportedRevisionError):
        revisions.check(make_head(mcp_protocol_version="2025-06-18"), inside)
    with pytest.raises(UnsupportedRevisionError):
        revisions.check(make_head(mcp_protocol_version="2025-06-18"), {"method": "server/discover"})


@pytest.mark.parametrize(
    "settings",
    [
        {"url": URL, "protocol_version": "2025-11-26"},
        {"url": URL, "transport": "sse", "protocol_version": MODERN},
        {"transport": "stdio", "command": "x", "protocol_version": MODERN},
        {"url": URL, "spec_path": "/api.json", "protocol_version": HANDSHAKE},
    ],
)
def test_a_server_has_a_revision_that_its_transport_has(settings):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, McpServer)
