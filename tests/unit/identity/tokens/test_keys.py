from typing import Any

import pytest

from gateway.errors import ServiceUnavailable
from gateway.identity.tokens.keys import parse_key_set
from tests.oidc import make_key


def published(
    kid: str = "first", kind: str = "RSA", size: int | str = 2048, **changes: object
) -> dict[str, Any]:
    members = {**make_key(kid, kind, size).as_dict(private=False), **changes}
    return {name: value for name, value in members.items() if value is not None}


def test_keys_for_signatures_are_read():
    items = [published("a"), published("b", "EC", "P-256"), published("c", "OKP", "Ed25519")]

    assert [key.kid for key in parse_key_set({"keys": items})] == ["a", "b", "c"]


LEFT_OUT: dict[str, Any] = {
    "a key for encryption": published(use="enc"),
    "a key that may only sign": published(key_ops=["sign"]),
    "a shared secret": {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "x"},
    "an RSA key of 1024 bits": published(n="x" * 171),
    "an RSA key without end": published(n="x" * 100_000),
    "an RSA key without exponent": published(e=None),
    "a point that is on no curve": published("b", "EC", "P-256", x="AAAA", y="AAAA"),
    "a curve that nobody knows": published("b", "EC", "P-256", crv="P-1"),
    "an RSA key of 1024 bits, written longer": published(n="A" * 200 + "x" * 171),
    "a use that is a list": published(use=["sig"]),
    "a text": "key",
    "a key of no type": {"kid": "x"},
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_left_out_is(case):
    keys = parse_key_set({"keys": [LEFT_OUT[case], published("kept")]})

    assert [key.kid for key in keys if key.suits("RS256")] == ["kept"]


SUITED = [
    ("RSA", 2048, {}, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("RSA", 2048, {"alg": "RS256"}, {"RS256"}),
    ("RSA", 2048, {"alg": "HS256"}, set()),
    ("EC", "P-256", {}, {"ES256"}),
    ("EC", "P-384", {}, {"ES384"}),
    ("OKP", "Ed25519", {}, {"EdDSA", "Ed25519"}),
]


@pytest.mark.parametrize(("kind", "size", "changes", "algorithms"), SUITED)
def test_a_key_suits_the_algorithms_of_its_type_and_curve(kind, size, changes, algorithms):
    [key] = parse_key_set({"keys": [published(f"{kind}{size}", kind, size, **changes)]})
    tried = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K"]

    assert {name for name in [*tried, "EdDSA", "Ed25519", "HS256", "none"] if key.suits(name)} == algorithms


def test_private_members_are_not_taken_along():
    [key] = parse_key_set({"keys": [make_key("first").as_dict(private=True)]})

    assert not key.key.is_private


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {"a": 1}}])
def test_what_is_no_key_set_is_refused(document):
    with pytest.raises(ServiceUnavailable):
        parse_key_set(document)
