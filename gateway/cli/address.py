"""The address to listen on: whether it is free."""

import socket
import sys

from gateway.errors import ConfigError

__all__ = ["check_is_free"]


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
            reason = error.strerror or str(error)
            raise ConfigError(
                f"Cannot listen on {host}:{port}: {reason}. Is another gateway running there? Choose another "
                "--host or --port.",
                path="--port",
            ) from None
