import base64
import hashlib

import pytest

from gateway.identity.login.passwords import Passwords, Verdict

PASSWORD = "pässwörd 1"


@pytest.fixture
def passwords() -> Passwords:
    return Passwords()


async def test_a_hash_fits_its_password_and_no_other(passwords):
    stored = await passwords.hash(PASSWORD)

    assert stored.startswith("$argon2id$")
    assert await passwords.verify(PASSWORD, stored) == Verdict(is_right=True)
    assert await passwords.verify("other", stored) == Verdict(is_right=False)
    assert await passwords.verify(stored, stored) == Verdict(is_right=False)


async def test_two_hashes_of_a_password_differ(passwords):
    assert await passwords.hash(PASSWORD) != await passwords.hash(PASSWORD)


def box(prefix: str, digest: bytes) -> str:
    return prefix + base64.b64encode(b"s" * 16 + digest).decode()


DATA = PASSWORD.encode()
OLDER = {
    "scrypt": box("scrypt:", hashlib.scrypt(DATA, salt=b"s" * 16, n=16_384, r=8, p=1, dklen=32)),
    "pbkdf2": box("pbkdf2:", hashlib.pbkdf2_hmac("sha256", DATA, b"s" * 16, 600_000, 32)),
    "sha256": hashlib.sha256(DATA).hexdigest(),
}


@pytest.mark.parametrize("kind", OLDER)
async def test_older_hashes_are_to_be_replaced(kind, passwords):
    assert await passwords.verify(PASSWORD, OLDER[kind]) == Verdict(is_right=True, is_outdated=True)
    assert not (await passwords.verify("other", OLDER[kind])).is_right


@pytest.mark.parametrize(
    "stored", [None, "", PASSWORD, "scrypt:!", "pbkdf2:", "$argon2id$", "a" * 64, "é" * 64]
)
async def test_what_is_no_hash_fits_nothing(stored, passwords):
    assert not (await passwords.verify(PASSWORD, stored)).is_right
