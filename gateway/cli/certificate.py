"""The certificate and the key to serve TLS with: whether the server can use them."""

import ssl
from pathlib import Path

from gateway.errors import ConfigError

__all__ = ["check_certificate"]

_CERTIFICATE, _KEY = "--ssl_certfile_path", "--ssl_keyfile_path"


class _PasswordWantedError(Exception):
    """The key is encrypted."""


def check_certificate(certificate: Path, key: Path) -> None:
    """Raise ConfigError, which names the file, for a pair that the server could not serve with."""
    _check_can_be_read(certificate, _CERTIFICATE)
    _check_can_be_read(key, _KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(certificate)
    except ssl.SSLError:
        raise ConfigError(f"{certificate} holds no certificate in PEM form.", path=_CERTIFICATE) from None
    try:
        context.load_cert_chain(certificate, key, _refuse_password)
    except _PasswordWantedError:
        raise ConfigError(
            f"The key in {key} is encrypted, and nobody is asked for its password: give one that is not.",
            path=_KEY,
        ) from None
    except ssl.SSLError as error:
        is_another = error.reason == "KEY_VALUES_MISMATCH"
        said = f"is not the key of {certificate}" if is_another else "holds no key in PEM form"
        raise ConfigError(f"{key} {said}.", path=_KEY) from None


def _check_can_be_read(file: Path, flag: str) -> None:
    try:
        file.open("rb").close()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", path=flag) from None


def _refuse_password() -> str:
    raise _PasswordWantedError
