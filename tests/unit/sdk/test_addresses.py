from ipaddress import ip_address

import pytest

from gateway.sdk.addresses import client_address, read_networks

PROXIES = read_networks(["10.0.0.0/8"])
NOBODY = read_networks([])


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "client"),
    [
        ("1.2.3.4", "", NOBODY, "1.2.3.4"),
        # Without a list the peer is the one proxy: it appended the last entry itself.
        ("1.2.3.4", "9.9.9.9, 5.6.7.8", NOBODY, "5.6.7.8"),
        ("10.0.0.1", "9.9.9.9, 5.6.7.8, 10.0.0.2", PROXIES, "5.6.7.8"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", PROXIES, "10.0.0.3"),
        ("10.0.0.1", " , ", PROXIES, "10.0.0.1"),
        # Of a peer that is no proxy nothing is believed.
        ("1.2.3.4", "10.0.0.9", PROXIES, "1.2.3.4"),
        ("::ffff:10.0.0.1", "::ffff:5.6.7.8", PROXIES, "5.6.7.8"),
        ("10.0.0.1", "2001:db8::1", PROXIES, "2001:db8::1"),
        # Some proxies append the port too.
        ("10.0.0.1", "5.6.7.8:4711", PROXIES, "5.6.7.8"),
        ("10.0.0.1", "5.6.7.8:4711, 10.0.0.2:80", PROXIES, "5.6.7.8"),
        ("10.0.0.1", "[2001:db8::1]:4711", PROXIES, "2001:db8::1"),
        ("10.0.0.1", "[2001:db8::1]", PROXIES, "2001:db8::1"),
    ],
)
def test_the_client_is_the_first_that_is_no_proxy_from_the_end(peer, forwarded, proxies, client):
    assert client_address(peer, forwarded, proxies) == ip_address(client)


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [
        *((None, "5.6.7.8"), ("", ""), ("10.0.0.1", "5.6.7.8, unknown"), ("socket", "")),
        *(
            ("10.0.0.1", text)
            for text in ("5.6.7.8:", "5.6.7.8:x", "[5.6.7.8", "5.6.7.8:1:2", "5.6.7.8:123456")
        ),
    ],
)
def test_who_cannot_be_told_is_nobody(peer, forwarded):
    assert client_address(peer, forwarded, PROXIES) is None


def test_networks_are_addresses_or_ranges():
    networks = read_networks(["10.1.2.3/8", "::1"])
    assert ip_address("10.9.9.9") in networks
    assert ip_address("::1") in networks
    assert ip_address("11.0.0.1") not in networks
    with pytest.raises(ValueError, match="does not appear"):
        read_networks(["here"])
