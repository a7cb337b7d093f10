"""`mcp_session_token_signing`: what is no key stops the start, and is not shown."""

import json
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc.jwk import ECKey

from gateway.clock import SystemClock
from gateway.errors import ConfigError
from gateway.identity.grants.minting import Minted
from gateway.identity.grants.signing import Signing

PATH = "general_settings.mcp_session_token_signing"
MINTED = Minted(user_id="ada", client_id="c", resource="", seconds=60)


@cache
def pem(bits: int = 2048, *, is_private: bool = True) -> str:
    key = generate_private_key(65537, bits)
    if is_private:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@cache
def other_pem() -> str:
    return ECKey.generate_key("P-256").as_pem(private=True).decode()


@pytest.mark.parametrize(
    ("members", "place", "message"),
    [
        ("{kid: a}", "", "'private_key' is missing"),
        ("{private_key: x}", "", "'kid' is missing"),
        ("{kid: '', private_key: x}", ".kid", "1 to 100 characters"),
        ("{kid: a, private_key: x, algorithm: HS256}", ".algorithm", "fixed choice"),
        ("{kid: a, private_key: x, alg: RS256}", ".alg", "no key 'alg'"),
        (
            "{kid: a, private_key: x, previous_public_keys: {kid: b}}",
            ".previous_public_keys",
            "Expected a list",
        ),
        ("{kid: a, private_key: x, previous_public_keys: [{kid: b}]}", ".previous_public_keys[0]", "missing"),
        ("{kid: a, private_key: x, previous_public_keys: [{kid: a, public_key: y}]}", "", "Two keys"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(load, members: str, place: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(f"general_settings: {{mcp_session_token_signing: {members}}}")
    assert caught.value.path == PATH + place


@pytest.mark.parametrize("text", ["no key", "weak", "another kind", "public"])
def test_what_is_no_key_is_refused_and_not_shown(load, text: str) -> None:
    keys = {"weak": pem(1024), "another kind": other_pem(), "public": pem(is_private=False)}
    given = keys.get(text, text)
    for members, place in (
        ({"private_key": given}, "private_key"),
        ({"private_key": pem(), "previous_public_keys": [{"kid": "b", "public_key": given}]}, "[0]"),
    ):
        if (text, place) == ("public", "[0]"):
            continue
        with pytest.raises(ConfigError, match="RSA key") as caught:
            Signing(read(load, **members), SystemClock())
        assert place in (caught.value.path or "")
        assert given.splitlines()[-1] not in str(caught.value)


def test_line_ends_may_be_written_out(load) -> None:
    signing = Signing(read(load, private_key=pem().replace("\n", "\\n")), SystemClock())
    mint = signing.mint_for("https://gateway.example", "")
    first, second = mint(MINTED), mint(MINTED)
    assert first != second
    assert signing.has_signed(first)
    assert not signing.has_signed(first + "x" * 20_000)
    assert "PRIVATE" not in repr(read(load, private_key=pem()))


def read(load, **members: object):
    section = {"mcp_session_token_signing": {"kid": "a", **members}}
    return load(f"general_settings: {json.dumps(section)}").general.mcp_signing
