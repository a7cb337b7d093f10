"""Proofs of who the gateway is, which are signed with a private key."""

import json
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from gateway_mcp.oauth.assertions import read_signer
from gateway_mcp.oauth.grants import Client, Grants, build_stated, update_stated
from gateway_mcp.oauth.network import Network as Reach
from gateway_mcp.server_terms import McpServer
from joserfc.jws import JWSRegistry

from gateway.errors import UpstreamError
from tests.oidc import make_key
from tests.plugins.mcp.test_tokens import OAUTH, build

SIGNED: dict[str, Any] = {**OAUTH, "client_secret": "", "client_private_key_id": "k1"}
OTHER = {"client_id": "another", "client_secret": "kept", "method": "client_secret_basic"}


def key_of(name: str) -> Any:
    return {
        "RSA": lambda: make_key("first"),
        "P-256": lambda: make_key("first", "EC"),
        "P-384": lambda: make_key("first", "EC", "P-384"),
        "Ed25519": lambda: make_key("first", "OKP"),
    }[name]()


def pem(key: Any, *, is_private: bool = True) -> str:
    return key.as_pem(private=is_private).decode()


def weak_pem() -> str:
    key = rsa.generate_private_key(65537, 1024)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def read(token: str, key: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token that the key has signed."""
    head, claims, signature = (urlsafe_b64decode(part + "==") for part in token.split("."))
    header = json.loads(head)
    signed = token.rpartition(".")[0].encode()
    assert JWSRegistry.algorithms[header["alg"]].verify(signed, signature, key)
    return header, json.loads(claims)


@pytest.mark.parametrize(
    ("name", "algorithm", "expected"),
    [
        ("RSA", "", "RS256"),
        ("RSA", "PS384", "PS384"),
        ("P-256", "", "ES256"),
        ("P-384", "", "ES384"),
        ("Ed25519", "", "EdDSA"),
        ("Ed25519", "Ed25519", "Ed25519"),
    ],
)
def test_a_key_signs_in_what_suits_it(name: str, algorithm: str, expected: str) -> None:
    key = key_of(name)
    fields = read_signer(pem(key).replace("\n", "\\n"), algorithm).prove("me", "https://them", "k1", 1000)
    assert fields.pop("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    header, claims = read(fields.pop("client_assertion"), key)
    assert (fields, header) == ({}, {"alg": expected, "typ": "JWT", "kid": "k1"})
    assert len(claims.pop("jti")) > 20
    assert claims == {"iss": "me", "sub": "me", "aud": "https://them", "iat": 1000, "exp": 1300}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"client_private_key": "no key"}, "a private key in PEM"),
        ({"client_assertion_signing_alg": "HS256"}, "one of RS256, .*EdDSA"),
        ({"client_assertion_signing_alg": "none"}, "one of RS256"),
        ({"client_assertion_signing_alg": "ES256"}, "can sign in RS256, "),
        ({"client_secret": "x"}, "in the place of 'client_secret'"),
        ({"client_id": ""}, "'client_private_key' needs 'client_id'"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "go together"),
        ({"client_private_key": "", "client_secret": "x"}, "needs 'client_private_key'"),
        ({"client_private_key": "", "client_private_key_id": ""}, "needs 'client_secret'"),
    ],
)
def test_keys_that_cannot_sign_are_refused(settings: dict[str, Any], said: str) -> None:
    refuse(settings, said)


def test_keys_that_are_public_or_weak_are_refused() -> None:
    refuse({"client_private_key": pem(key_of("RSA"), is_private=False)}, "a private key in PEM")
    refuse({"client_private_key": weak_pem()}, "at least 2048 bits")


def refuse(settings: dict[str, Any], said: str) -> None:
    stated = {**SIGNED, "client_private_key": pem(key_of("RSA")), **settings}
    with pytest.raises(msgspec.ValidationError, match=said) as raised:
        msgspec.convert(stated, McpServer)
    assert "PRIVATE KEY-----" not in str(raised.value)


@pytest.mark.parametrize(("issuer", "audience"), [("", OAUTH["token_url"]), ("https://a", "https://a")])
async def test_a_token_is_asked_for_with_a_proof(issuer: str, audience: str) -> None:
    network, clock, tokens, upstream = build(**SIGNED, client_private_key=pem(key_of("RSA")), issuer=issuer)
    clock.seconds = 1000
    assert await tokens.find(upstream) == "t1"
    fields = dict(parse_qsl(str(network.granted[0].body, "ascii")))  # type: ignore[arg-type]  bytes
    _, claims = read(fields["client_assertion"], key_of("RSA"))
    assert (claims["aud"], claims["iat"], fields["client_id"]) == (audience, 1000, "gateway")
    assert "client_secret" not in fields
    network.status, network.answer = 401, {"error": "invalid_client"}
    clock.seconds = 5000
    with pytest.raises(UpstreamError, match="'client_private_key'") as raised:
        await tokens.find(upstream)
    assert "BEGIN" not in raised.value.message


def test_what_is_stored_of_a_client_has_no_key_and_the_settings_say_the_rest() -> None:
    secret = msgspec.convert(OAUTH, McpServer)
    signed = msgspec.convert({**SIGNED, "client_private_key": pem(key_of("RSA"))}, McpServer)
    known, proved = build_stated(secret, "client_secret_basic"), build_stated(signed, issuer="https://a")
    assert (known.method, proved.method, proved.audience) == (
        "client_secret_basic",
        "private_key_jwt",
        "https://a",
    )
    assert b"PRIVATE" not in msgspec.json.encode(proved)
    rotated = msgspec.structs.replace(secret, client_secret="the next one")
    assert update_stated(rotated, known) == msgspec.structs.replace(known, client_secret="the next one")
    assert (update_stated(signed, known).method, update_stated(secret, proved).method) == (
        "private_key_jwt",
        "client_secret_post",
    )
    registered = msgspec.convert(OTHER, Client)
    assert update_stated(signed, registered) is registered


async def test_without_the_key_nobody_is_asked() -> None:
    network, clock, _, upstream = build()
    client = Client(client_id="gateway", method="private_key_jwt")
    with pytest.raises(UpstreamError, match="no 'client_private_key' any more"):
        await Grants(Reach(network, network), clock).ask(upstream, OAUTH["token_url"], client, {})
    assert network.granted == []
