from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from gateway.cli.certificate import check_certificate
from gateway.errors import ConfigError
from tests.certificates import write_certificate

CERTIFICATE, KEY = "--ssl_certfile_path", "--ssl_keyfile_path"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """In one file with its key."""
    return write_certificate(tmp_path)


def write_key(path: Path, encryption: KeySerializationEncryption) -> Path:
    made = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return path


def assert_is_refused(certificate: Path, key: Path, flag: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        check_certificate(certificate, key)
    assert refused.value.path == flag


def test_a_certificate_with_its_key_is_taken(certificate: Path) -> None:
    check_certificate(certificate, certificate)


def test_what_is_no_certificate_is_refused(certificate: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text("hello")
    assert_is_refused(other, certificate, CERTIFICATE, "other.pem holds no certificate in PEM form")
    assert_is_refused(certificate, other, KEY, "other.pem holds no key in PEM form")


def test_a_key_of_another_certificate_is_refused(certificate: Path, tmp_path: Path) -> None:
    key = write_key(tmp_path / "key.pem", NoEncryption())
    assert_is_refused(certificate, key, KEY, "is not the key of .*certificate.pem")


def test_an_encrypted_key_is_refused_without_asking(certificate: Path, tmp_path: Path) -> None:
    key = write_key(tmp_path / "key.pem", BestAvailableEncryption(b"secret"))
    assert_is_refused(certificate, key, KEY, "is encrypted")


def test_a_file_that_cannot_be_read_is_refused(certificate: Path, tmp_path: Path) -> None:
    assert_is_refused(certificate, tmp_path, KEY, "cannot be read: Is a directory")
