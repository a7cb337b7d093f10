import pytest

from gateway.access.gate import Gate, build_gate
from gateway.errors import PermissionDenied
from gateway.hooks import RequestHead
from gateway.settings import AccessSettings

BEHIND = {"use_x_forwarded_for": True, "trusted_proxy_ranges": ("10.0.0.0/8",)}


def head(path: str = "/v1/chat/completions", peer: str | None = "1.2.3.4", **headers: str) -> RequestHead:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestHead("POST", path, named, client_host=peer)


def gate(**settings: object) -> Gate:
    return Gate(AccessSettings(**settings))


def test_without_a_word_there_is_no_gate():
    assert build_gate(AccessSettings()) == ()
    assert len(build_gate(AccessSettings(allowed_ips=("1.2.3.4",)))) == 1


def test_only_listed_addresses_come_in():
    one = gate(allowed_ips=("1.2.3.4", "10.0.0.0/8"))
    for peer in ("1.2.3.4", "10.9.9.9"):
        one.authenticate(head(peer=peer))
    for peer in ("1.2.3.5", None):
        with pytest.raises(PermissionDenied, match=r"IP address .* not allowed") as raised:
            one.authenticate(head(peer=peer))
        assert (raised.value.status, raised.value.type) == (403, "auth_error")


def test_a_forwarded_address_counts_only_where_it_is_asked_for():
    claims = head(peer="9.9.9.9", x_forwarded_for="1.2.3.4")
    with pytest.raises(PermissionDenied):
        gate(allowed_ips=("1.2.3.4",)).authenticate(claims)
    gate(allowed_ips=("1.2.3.4",), use_x_forwarded_for=True).authenticate(claims)
    spoofed = head(peer="10.0.0.1", x_forwarded_for="1.2.3.4, 6.6.6.6")
    behind = gate(allowed_ips=("1.2.3.4",), use_x_forwarded_for=True, trusted_proxy_ranges=("10.0.0.0/8",))
    with pytest.raises(PermissionDenied, match=r"6\.6\.6\.6"):
        behind.authenticate(spoofed)
    behind.authenticate(head(peer="10.0.0.1", x_forwarded_for="1.2.3.4"))
    with pytest.raises(PermissionDenied, match=r"9\.9\.9\.9"):
        behind.authenticate(claims)


def test_only_listed_routes_are_served():
    one = gate(allowed_routes=("/v1/chat/completions", "info_routes"))
    one.authenticate(head())
    one.authenticate(head("/key/info"))
    for path in ("/v1/embeddings", "/v1//chat/completions", "/key/generate"):
        with pytest.raises(PermissionDenied, match="not allowed"):
            one.authenticate(head(path))


@pytest.mark.parametrize(
    ("setting", "closed", "opened"),
    [
        ("disable_llm_api_endpoints", "/v1/chat/completions", "/key/generate"),
        ("disable_llm_api_endpoints", "/v1//chat/completions/", "/key/generate"),
        ("disable_admin_endpoints", "/key/generate", "/v1/chat/completions"),
        ("disable_admin_endpoints", "//key/generate", "/health/readiness"),
    ],
)
def test_groups_of_routes_can_be_closed(setting, closed, opened):
    one = gate(**{setting: True})
    one.authenticate(head(opened))
    with pytest.raises(PermissionDenied, match="is disabled on this gateway") as raised:
        one.authenticate(head(closed))
    assert (raised.value.status, raised.value.type, raised.value.param) == (403, "auth_error", "route")


def test_who_asks_beforehand_hears_of_every_rule():
    one = gate(allowed_ips=("1.2.3.4",), disable_llm_api_endpoints=True)
    found = {each.rule: each.verdict.value for each in one.examine(head(peer="1.2.3.5"))}
    assert found == {
        "client_address": "refuses",
        "served_routes": "does_not_apply",
        "disabled_routes": "refuses",
    }
    assert [each.verdict.value for each in one.examine(head("/health", "1.2.3.4"))] == [
        "passes",
        "does_not_apply",
        "passes",
    ]


@pytest.mark.parametrize(
    ("settings", "peer", "forwarded", "told"),
    [
        ({}, "10.0.0.1", "1.2.3.4", "10.0.0.1"),
        ({"use_x_forwarded_for": True}, "10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (
            {"use_x_forwarded_for": True, "trusted_proxy_ranges": ("10.0.0.0/8",)},
            "9.9.9.9",
            "1.2.3.4",
            "9.9.9.9",
        ),
        (BEHIND, "10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ({"use_x_forwarded_for": True}, "10.0.0.1", "unknown", "10.0.0.1"),
        ({"use_x_forwarded_for": True}, None, "1.2.3.4", None),
    ],
)
def test_the_client_is_told_as_far_as_proxies_are_trusted(settings, peer, forwarded, told):
    assert gate(**settings).client_of(head(peer=peer, x_forwarded_for=forwarded)) == told


def test_without_the_header_the_peer_is_the_client():
    assert gate(use_x_forwarded_for=True).client_of(head(peer="1.2.3.4")) == "1.2.3.4"
