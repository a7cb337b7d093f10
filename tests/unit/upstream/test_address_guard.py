import ipaddress
import socket

import pytest

from gateway.domain import ChosenBy, Deployment, OnDisconnect
from gateway.errors import UpstreamBadRequest
from gateway.upstream.address_guard import AddressGuard, ForbiddenAddressError
from gateway.upstream.clients import UpstreamClients
from gateway.upstream.http1.client import Http1Client
from tests.upstreams import Upstream, replies

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")

CLOSED = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "168.63.129.16"),
    *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "203.0.113.9"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1"),
    *("", "localhost", "127.1", "0x7f000001", "2130706433", "example.com"),
]


@pytest.mark.parametrize("host", CLOSED)
def test_what_is_not_public_is_closed(host: str):
    assert not AddressGuard().is_allowed(host)


@pytest.mark.parametrize("host", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_open(host: str):
    assert AddressGuard().is_allowed(host)


def test_a_network_of_the_operators_is_open_and_nothing_beside_it():
    guard = AddressGuard([ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00::/8")])
    assert guard.is_allowed("10.1.2.3")
    assert guard.is_allowed("::ffff:10.1.2.3")
    assert guard.is_allowed("fd12::1")
    assert not guard.is_allowed("10.2.0.1")
    assert not guard.is_allowed("169.254.169.254")


def test_no_socket_is_made_for_a_closed_address():
    entry = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80))
    with pytest.raises(ForbiddenAddressError):
        AddressGuard().open_socket(entry)
    AddressGuard([LOOPBACK]).open_socket(entry).close()


# Names, literal addresses and their odd spellings all come to a socket in the end.
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_guarded_client_connects_to_nothing_closed(upstream: Upstream, make_request, host, is_stream):
    client = Http1Client(AddressGuard())
    request = make_request(None, url=f"http://{host}:{upstream.port}/v1/chat/completions")
    try:
        with pytest.raises(UpstreamBadRequest, match="does not lead to a public host") as caught:
            await (client.stream(request).__aenter__() if is_stream else client.send(request))
    finally:
        await client.close()
    assert caught.value.is_sent is False
    assert upstream.connections == 0


async def test_a_guarded_client_follows_no_redirect_and_keeps_no_connection(upstream: Upstream, make_request):
    client = Http1Client(AddressGuard([LOOPBACK]))
    upstream.script = [replies.raw(302, b"", {"location": f"{upstream.origin}/other"}), replies.ok("hi")]
    try:
        assert (await client.send(make_request(upstream))).status == 302
        assert (await client.send(make_request(upstream))).status == 200
    finally:
        await client.close()
    assert [request.path for request in upstream.requests] == ["/v1/chat/completions"] * 2
    assert upstream.connections == 2


async def test_only_an_address_of_a_clients_is_guarded():
    clients = UpstreamClients()
    parts = {"id": "d", "group": "m", "provider": "openai", "model": "x", "urls": {}}
    stopped = Deployment(**parts, on_disconnect=OnDisconnect.CANCEL)
    chosen = Deployment(**parts, on_disconnect=OnDisconnect.CANCEL, chosen_by=ChosenBy.CLIENT_ADDRESS)
    assert clients.client_for(chosen) is clients.client_for(chosen)
    assert clients.client_for(chosen) is not clients.client_for(stopped)
    await clients.close()
