"""Where a caller of MCP servers is, as far as it can be told."""

from typing import Any

import pytest
from gateway_mcp.access import Access, AccessSettings

from gateway.hooks import RequestHead

COUNTED = {"use_x_forwarded_for": True, "mcp_xff_num_trusted_hops": 2}
RANGED = {**COUNTED, "mcp_trusted_proxy_ranges": ("127.0.0.0/8",)}
FAR, NEAR = "203.0.113.7", "10.0.0.1"


@pytest.mark.parametrize(
    ("settings", "peer", "forwarded", "is_internal"),
    [
        (COUNTED, FAR, f"{NEAR}, {FAR}", True),
        (COUNTED, FAR, f"{NEAR},, {FAR} ,", True),
        (COUNTED, FAR, f"{NEAR}, {FAR}, {NEAR}", False),
        (COUNTED, FAR, f"::ffff:{NEAR}, {FAR}", True),
        (COUNTED, None, f"{NEAR}, {FAR}", True),
        (COUNTED, NEAR, NEAR, False),
        (COUNTED, NEAR, "", False),
        (COUNTED, NEAR, f"unknown, {NEAR}", False),
        # Some proxies tell the port as well.
        (COUNTED, FAR, f"{NEAR}:443, {FAR}", True),
        (COUNTED, NEAR, f"{FAR}:443, {NEAR}", False),
        ({**COUNTED, "mcp_xff_num_trusted_hops": 1}, FAR, f"{FAR}, {NEAR}", True),
        ({**COUNTED, "mcp_xff_num_trusted_hops": 1}, NEAR, f"{NEAR}, {FAR}", False),
        (RANGED, "127.0.0.1", f"{NEAR}, {FAR}", True),
        # Whoever stands there is the client, in the ranges or not.
        (RANGED, "127.0.0.1", f"{FAR}, 127.0.0.2, 127.0.0.3", True),
        (RANGED, "127.0.0.1", f"{NEAR}, {FAR}, {NEAR}", False),
        (RANGED, "127.0.0.1", NEAR, False),
        (RANGED, FAR, f"{NEAR}, {FAR}", False),
        (RANGED, NEAR, f"{FAR}, {FAR}", True),
        (RANGED, None, f"{NEAR}, {FAR}", False),
        # Without the header in use a count of it says nothing.
        ({"mcp_xff_num_trusted_hops": 1}, FAR, NEAR, False),
        ({"mcp_xff_num_trusted_hops": 1}, NEAR, FAR, True),
        ({"use_x_forwarded_for": True}, NEAR, NEAR, False),
    ],
)
def test_a_counted_entry_of_the_header_is_the_client(
    settings: dict[str, Any], peer: str | None, forwarded: str, *, is_internal: bool
) -> None:
    head = RequestHead("POST", "/mcp", {"x-forwarded-for": forwarded} if forwarded else {}, client_host=peer)

    assert Access(AccessSettings(**settings)).is_internal(head) is is_internal
