import socket

import pytest

from gateway.cli.address import check_is_free, describe_address
from gateway.errors import ConfigError


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("127.0.0.1", "http://127.0.0.1:4000; try http://127.0.0.1:4000/v1"),
        ("0.0.0.0", "http://0.0.0.0:4000; try http://127.0.0.1:4000/v1"),
        ("::1", "http://[::1]:4000; try http://[::1]:4000/v1"),
        ("::", "http://[::]:4000; try http://[::1]:4000/v1"),
    ],
)
def test_the_address_that_is_told_can_be_used(host: str, told: str) -> None:
    assert describe_address("http", host, 4000) == told


# The last one is for documentation, so that no machine has it.
@pytest.mark.parametrize("host", ["300.1.1.1", "192.0.2.1"])
def test_an_address_of_no_machine_is_a_fault_of_the_host(host: str) -> None:
    with pytest.raises(ConfigError, match="Name an address of this machine") as refused:
        check_is_free(host, 4000)
    assert refused.value.path == "--host"


def test_a_port_that_is_taken_is_a_fault_of_the_port() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(ConfigError, match="Is another gateway running there") as refused,
    ):
        check_is_free("127.0.0.1", other.getsockname()[1])
    assert refused.value.path == "--port"
