"""TLS towards PostgreSQL: what a database URL may ask for, and the context that does it."""

import ssl
from importlib import import_module
from pathlib import Path
from typing import Literal

import msgspec

from gateway.errors import ConfigError

__all__ = ["TLS_MODES", "TlsMode", "TlsOptions", "build_ssl_argument"]

TlsMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
TLS_MODES: tuple[TlsMode, ...] = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class TlsOptions(msgspec.Struct, frozen=True):
    """The mode, as libpq names it, and PEM or PKCS 12 files; `identity` is certificate and key in one.

    `require` encrypts without asking who answers, unless a root certificate is given: then the chain is
    verified. `verify-ca` and `verify-full` use the system's roots where none is given.
    """

    mode: TlsMode = "prefer"
    root_certificate: str | None = None
    certificate: str | None = None
    key: str | None = None
    identity: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """The mode alone; the password must not reach a log."""
        return f"TlsOptions({self.mode})"

    @property
    def is_certain(self) -> bool:
        """Whether a connection without TLS is out of the question."""
        return self.mode in {"require", "verify-ca", "verify-full"}


def build_ssl_argument(tls: TlsOptions) -> ssl.SSLContext | Literal[False, "allow", "prefer"]:
    """The argument `ssl` of asyncpg: a context never falls back to plain text, the words may.

    Raises ConfigError for files that are missing, unreadable or do not fit together.
    """
    if tls.mode == "disable":
        return False
    if tls.mode in {"allow", "prefer"}:
        return "allow" if tls.mode == "allow" else "prefer"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.mode == "verify-full"
    try:
        _trust(context, tls)
        _identify(context, tls)
    except (OSError, ValueError) as error:
        # ssl.SSLError is an OSError; cryptography reports a wrong PKCS 12 password as ValueError.
        raise ConfigError(
            f"The TLS files of the database cannot be used: {error}.", path="DATABASE_URL"
        ) from error
    return context


def _trust(context: ssl.SSLContext, tls: TlsOptions) -> None:
    if tls.root_certificate is not None and tls.root_certificate != "system":
        context.load_verify_locations(cafile=tls.root_certificate)
    elif tls.mode == "require":
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)


def _identify(context: ssl.SSLContext, tls: TlsOptions) -> None:
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key, tls.password)
    elif tls.identity is not None:
        # The library costs 10 MB and 200 ms, which a gateway without such an archive does not pay.
        reader = import_module("gateway.db.pkcs12")
        reader.load_identity(context, Path(tls.identity).read_bytes(), tls.password)
