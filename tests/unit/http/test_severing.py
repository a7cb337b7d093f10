import socket

import pytest

from gateway.http.severing import sever


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_connection_is_cut_and_others_are_not(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        address = listener.getsockname()[:2]
        with (
            socket.create_connection(address) as cut,
            listener.accept()[0],
            socket.create_connection(address) as kept,
            listener.accept()[0] as other,
        ):
            assert sever(cut.getsockname()[:2], address)
            assert cut.recv(1) == b""
            other.sendall(b"x")
            assert kept.recv(1) == b"x"


def test_an_address_of_ipv4_is_known_in_the_clothes_of_ipv6() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        with socket.create_connection((host, port)) as client, listener.accept()[0]:
            assert sever((f"::ffff:{host}", client.getsockname()[1]), (host, port))


@pytest.mark.parametrize("client", [None, ("", ""), ("unix:", 1), ("127.0.0.1", 1), ("127.0.0.1", None)])
def test_what_is_no_connection_is_left_alone(client: tuple[str, int | str | None] | None) -> None:
    assert not sever(client, ("127.0.0.1", 2))


def test_sockets_of_other_families_are_passed_over() -> None:
    one, other = socket.socketpair()
    with one, other, socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as client, listener.accept()[0]:
            assert sever(client.getsockname(), address)
            one.sendall(b"x")
            assert other.recv(1) == b"x"
