"""What servers of the database may not say."""

import msgspec
import pytest
from gateway_mcp.directory import Directory
from gateway_mcp.server_terms import McpServer

from gateway.catalog.stored_mcp import AS_THEY_ARE, OF_CREDENTIALS, OWN_MEMBERS
from gateway.domain import McpServerRecord
from gateway.hooks import OFFLINE
from gateway.inventory.mcp.request import NewMcpServerRequest

BINDING = {"mode": "enforce", "issuer": "https://login.example"}
OF_THE_GATEWAY = {
    "oauth2_flow": "client_credentials",
    "token_url": "https://login.example/token",
    "client_id": "gateway",
    "client_secret": "secret",
}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"url": "https://mcp.example", "allow_anonymous": True}, "only the configuration"),
        ({"spec_path": "/etc/passwd"}, "only the configuration"),
        ({"transport": "stdio", "command": "sh"}, "stdio_commands"),
    ],
)
def test_the_database_opens_nothing_that_the_operator_has_not(
    settings: dict[str, object], reason: str
) -> None:
    directory = Directory({}, frozenset(), OFFLINE.mcp)
    with pytest.raises(ValueError, match=reason):
        directory.check(McpServerRecord(server_id="a", name="a", settings=settings))


def test_whatever_the_configuration_may_say_of_a_server_the_database_may_say_too() -> None:
    """But who is let in without a key; pins come by pinning, and what calls cost is in `mcp_info`."""
    columns = {"server_id", "alias", "mcp_info", "access_groups", "available_on_public_internet"}
    sayable = {*columns, "pinned_tools", *AS_THEY_ARE, *OF_CREDENTIALS, *OWN_MEMBERS}
    settings = {field.name for field in msgspec.structs.fields(McpServer)}
    assert settings - sayable == {"allow_anonymous"}
    assert sayable - settings == set()
    members = {field.name for field in msgspec.structs.fields(NewMcpServerRequest)}
    assert {*AS_THEY_ARE, *OWN_MEMBERS} - members == set()


def test_no_address_of_a_users_is_sent_the_tokens_of_others() -> None:
    settings: dict[str, object] = {
        "url": "https://mcp.example",
        "auth_type": "oauth2_token_exchange",
        "token_exchange_endpoint": "https://users.example/token",
        "client_id": "gateway",
        "client_secret": "secret",
    }
    directory = Directory({}, frozenset(), OFFLINE.mcp)
    record = McpServerRecord(server_id="a", name="a", settings=settings)
    directory.check(record)
    with pytest.raises(ValueError, match="gets no tokens of callers"):
        directory.check(msgspec.structs.replace(record, is_tenants=True))
    bound = {"url": "https://mcp.example", "auth_type": "oauth2", "oauth_identity_binding": BINDING}
    record = McpServerRecord(server_id="a", name="a", settings=bound)
    directory.check(record)
    with pytest.raises(ValueError, match="has no 'oauth_identity_binding'"):
        directory.check(msgspec.structs.replace(record, is_tenants=True))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"oauth_identity_binding": {"issuer": "https://login.example"}}, "missing required field `mode`"),
        ({"oauth_identity_binding": {**BINDING, "mode": "on"}}, "Invalid enum value"),
        ({"oauth_identity_binding": {**BINDING, "caller_field": "user_alias"}}, "Invalid enum value"),
        ({"oauth_identity_binding": {**BINDING, "jwks": "x"}}, "unknown field `jwks`"),
        ({"oauth_identity_binding": {**BINDING, "jwks_url": "file:///x"}}, "jwks_url' is an address"),
        ({"oauth_identity_binding": {**BINDING, "principal_claim": ""}}, "name of a claim"),
        ({"oauth_identity_binding": {"mode": "audit"}}, "needs 'issuer'"),
        ({"oauth_identity_binding": BINDING, "auth_type": "none"}, "needs auth_type 'oauth2'"),
        ({"oauth_identity_binding": BINDING, **OF_THE_GATEWAY}, "at which users log in"),
    ],
)
def test_an_identity_is_bound_wholly_or_not_at_all(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=reason):
        msgspec.convert({"url": "https://mcp.example", "auth_type": "oauth2", **settings}, McpServer)
