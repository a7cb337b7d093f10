"""The address to listen on: whether it is free, and how it is told."""

import errno
import socket
import sys

from gateway.errors import ConfigError

__all__ = ["check_is_free", "describe_address"]

_OF_THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not bound


def check_is_free(host: str, port: int) -> None:
    """Raise ConfigError when somebody listens there, or nobody can.

    The server would not notice: workers share a port, and so would two gateways, each counting for itself.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            # What a former gateway has left of its connections is no reason to wait.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"Cannot listen on {host}:{port}: {error.strerror or error}. {_advise(error)}",
                path="--host" if _is_about_host(error) else "--port",
            ) from None


def _is_about_host(error: OSError) -> bool:
    return isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL


def _advise(error: OSError) -> str:
    if _is_about_host(error):
        return "Name an address of this machine with --host; 0.0.0.0 stands for all of them."
    if error.errno == errno.EADDRINUSE:
        return "Is another gateway running there? Choose another --host or --port."
    return "Choose another --port."


def describe_address(scheme: str, host: str, port: int) -> str:
    """What the log says when the gateway is ready: where it listens, and an address to give to a client."""
    shown = _OF_THIS_MACHINE.get(host, host)
    return f"{scheme}://{_in_url(host)}:{port}; try {scheme}://{_in_url(shown)}:{port}/v1"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
