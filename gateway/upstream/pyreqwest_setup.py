"""How pyreqwest is set up, for model requests and for all others."""

from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder

from gateway.upstream.client import CONNECT_SECONDS

__all__ = ["build_pyreqwest"]


def build_pyreqwest() -> Client:
    """A client that goes straight to where it is sent, and takes answers as they are."""
    return (
        ClientBuilder()
        # Proxies of the environment would see every credential.
        .no_proxy()
        .follow_redirects(False)
        # The size of an answer is counted as it comes; a bomb would only show after decompression.
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .referer(False)
        .user_agent("gatewright")
        .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
        .build()
    )
