"""Which MCP servers a request may make a provider call, through the plugin as an entry point loads it."""

from typing import Any

import gateway_mcp
import pytest

from gateway.errors import PermissionDenied, PluginError
from gateway.hooks import Hooks
from gateway.testing import load_plugin, make_context

SETTINGS = {
    "allowed_servers": [
        {"url": "https://mcp.example.com/tools"},
        {"url": "https://labelled.example.com:8443/", "label": "docs"},
        {"url": "https://query.example.com/mcp?region=eu"},
    ],
    "allowed_connectors": ["connector_dropbox"],
}


def load(**more: Any) -> Hooks:
    return load_plugin(gateway_mcp, {**SETTINGS, **more}, name="mcp")


async def ask(*tools: Any, **more: Any) -> None:
    await load(**more).authorize(make_context({"messages": [], "tools": list(tools)}))


def server(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "mcp", "server_label": "any", "server_url": url, **more}


@pytest.mark.parametrize(
    "url",
    [
        "https://mcp.example.com/tools",
        "https://mcp.example.com/tools/",
        "https://mcp.example.com/tools/sub/path",
        "https://MCP.EXAMPLE.COM:443/tools",
        "https://mcp.example.com/tools/@scope/name",
        "https://query.example.com/mcp?region=eu",
    ],
)
async def test_an_allowed_server_and_what_lies_below_it_may_be_named(url: str) -> None:
    await ask({"type": "function", "function": {"name": "f"}}, server(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/tools",
        "https://mcp.example.com",
        "https://mcp.example.com/toolsmith",
        "https://mcp.example.com/TOOLS",
        "https://mcp.example.com:8443/tools",
        "http://mcp.example.com/tools",
        "https://mcp.example.com.evil.org/tools",
        "https://mcp.example.com@evil.org/tools",
        "https://user:pass@mcp.example.com/tools",
        "https://mcp.example.com/tools/../admin",
        "https://mcp.example.com/tools/..;/admin",
        "https://mcp.example.com/tools/%2e%2e/admin",
        "https://mcp.example.com/tools\\..\\admin",
        "https://evil.org\\@mcp.example.com/tools",
        "https://mcp.example.com/tools#@evil.org",
        "https://mcp.example.com/tools?next=https://evil.org",
        "https://mcp.example.com /tools",
        " https://mcp.example.com/tools",
        "https://mcp.example.com/\ntools",
        "https://mcp.exämple.com/tools",
        "https://mcp.example.com:0x1bb/tools",
        "https://[mcp.example.com/tools",
        "https:///tools",
        "litellm_proxy/mcp/github",
        "",
        ["https://mcp.example.com/tools"],
        7,
    ],
)
async def test_any_other_address_is_refused_with_the_place_and_the_setting(url: Any) -> None:
    with pytest.raises(PermissionDenied) as caught:
        await ask({"type": "function"}, server(url))

    error = caught.value
    assert error.param == "tools[1].server_url"
    assert "'tools[1].server_url' names an MCP server that is not allowed." in error.message
    assert error.details["setting"] == "gatewright.plugins.settings.mcp.allowed_servers"


async def test_a_label_binds_the_server() -> None:
    await ask(server("https://labelled.example.com:8443/x", server_label="docs"))

    for label in ("other", ["docs"], None):
        with pytest.raises(PermissionDenied):
            await ask(server("https://labelled.example.com:8443/x", server_label=label))


async def test_connectors_are_allowed_by_id() -> None:
    await ask({"type": "mcp", "connector_id": "connector_dropbox"})

    for connector in ("connector_gmail", ["connector_dropbox"]):
        with pytest.raises(PermissionDenied, match="allowed_connectors"):
            await ask({"type": "mcp", "connector_id": connector})


async def test_an_allowed_connector_does_not_excuse_the_server_beside_it() -> None:
    with pytest.raises(PermissionDenied):
        await ask(server("https://evil.example.com", connector_id="connector_dropbox"))


@pytest.mark.parametrize("kind", ["mcp", "MCP", " mcp "])
async def test_a_server_that_is_not_named_is_refused(kind: str) -> None:
    with pytest.raises(PermissionDenied, match="neither 'server_url' nor 'connector_id'"):
        await ask({"type": kind, "server_label": "hidden"})


@pytest.mark.parametrize("kind", [None, "function", "remote", 3])
async def test_a_server_address_counts_whatever_the_type(kind: Any) -> None:
    with pytest.raises(PermissionDenied):
        await ask(server("https://evil.example.com", type=kind))


@pytest.mark.parametrize("name", ["authorization", "headers"])
async def test_inline_credentials_are_refused_unless_allowed(name: str) -> None:
    tool = server("https://mcp.example.com/tools", **{name: {"x": "secret-value"}})

    with pytest.raises(PermissionDenied) as caught:
        await ask(tool)
    assert caught.value.param == f"tools[0].{name}"
    assert "secret-value" not in caught.value.message
    await ask(tool, allow_inline_credentials=True)


async def test_the_member_mcp_servers_is_checked_too() -> None:
    good = {"type": "url", "url": "https://mcp.example.com/tools", "name": "x"}
    bad = {"type": "url", "url": "https://evil.example.com", "name": "x"}

    await load().authorize(make_context({"mcp_servers": [good]}))
    with pytest.raises(PermissionDenied) as caught:
        await load().authorize(make_context({"mcp_servers": [good, bad]}))
    assert caught.value.param == "mcp_servers[1].url"
    with pytest.raises(PermissionDenied):
        await load().authorize(make_context({"mcp_servers": [{**good, "authorization_token": "t"}]}))


async def test_nothing_is_allowed_by_default() -> None:
    hooks = load_plugin(gateway_mcp)

    with pytest.raises(PermissionDenied):
        await hooks.authorize(make_context({"tools": [server("https://mcp.example.com/tools")]}))


@pytest.mark.parametrize("tools", [None, [], {}, "mcp", [None, "mcp", 1], [{"type": "function"}]])
async def test_requests_without_such_tools_pass(tools: Any) -> None:
    await load().authorize(make_context({"messages": [], "tools": tools}))


async def test_a_request_without_tools_passes() -> None:
    await load().authorize(make_context())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"allowed_server": []}, "no setting 'allowed_server'. Did you mean 'allowed_servers'?"),
        ({"allowed_servers": [{"url": "http://x"}]}, "'http://x' is not a plain https address"),
        ({"allowed_servers": [{"url": "https://x", "lable": "a"}]}, "Did you mean 'label'?"),
    ],
)
def test_wrong_settings_stop_the_boot(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(PluginError) as caught:
        load_plugin(gateway_mcp, settings, name="mcp")
    assert message in caught.value.message
