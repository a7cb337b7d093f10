import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from gateway.cache.documents import Documents, Freshness
from gateway.errors import AuthenticationFailed, GatewayError, ServiceUnavailable
from gateway.identity.tokens.key_sets import KeySets
from gateway.identity.tokens.verification import LONGEST_TOKEN, Verifier
from gateway.settings.jwt import ClaimFields, JwtIssuer, JwtSettings
from gateway.testing import FakeClock
from gateway.upstream.fetching import Fetcher
from tests.oidc import OidcProvider, encode, make_key, sign

NOW = int(time.time())


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[OidcProvider]:
    async with OidcProvider() as provider:
        yield provider


@pytest_asyncio.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    fetcher = Fetcher()
    yield fetcher
    await fetcher.close()


class Bench:
    """A verifier with its own documents and a clock of the test's."""

    def __init__(self, fetcher: Fetcher, settings: JwtSettings) -> None:
        self.clock = FakeClock(NOW * 1_000_000_000)
        self.documents = Documents(fetcher.read_object, self.clock, absent_on=ServiceUnavailable)
        self.verifier = Verifier(settings, KeySets(self.documents, Freshness()), self.clock)

    async def verify(self, token: str) -> Any:
        return await self.verifier.verify(token)

    async def refusal(self, token: str) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            await self.verify(token)
        return caught.value


def entry(provider: OidcProvider, **changes: Any) -> JwtIssuer:
    given = {"key_urls": (provider.jwks_url,), "audience": "gateway", "fields": ClaimFields(), **changes}
    return JwtIssuer(**{"issuer": provider.issuer, **given})


@pytest.fixture
def bench(fetcher: Fetcher, provider: OidcProvider) -> Bench:
    return Bench(fetcher, JwtSettings(issuers=(entry(provider),)))


ALGORITHMS = [
    *(("RSA", 2048, name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    *(("EC", "P-256", "ES256"), ("EC", "P-384", "ES384"), ("EC", "P-521", "ES512")),
    *(("OKP", "Ed25519", "EdDSA"), ("OKP", "Ed25519", "Ed25519")),
]


@pytest.mark.parametrize(("kind", "size", "algorithm"), ALGORITHMS)
async def test_a_genuine_token_is_accepted(kind, size, algorithm, bench, provider):
    key = make_key(f"{kind}-{size}", kind, size)
    provider.keys = [make_key("unused"), key]

    verified = await bench.verify(provider.token(key=key, algorithm=algorithm, sub="ada"))

    assert (verified.issuer, verified.claims.text("sub")) == (provider.issuer, "ada")
    assert verified.expires_nanos // 1_000_000_000 >= NOW + 3600


TIMES = {
    "expired": ({"exp": NOW}, "expired"),
    "long expired": ({"exp": 1}, "expired"),
    "not yet valid": ({"nbf": NOW + 5}, "not yet valid"),
    "without an end": ({"exp": None}, "no time at which it expires"),
    "with an end that is a text": ({"exp": "tomorrow"}, "exp is no time"),
    "with an end that is true": ({"exp": True}, "exp is no time"),
    "with an end beyond all time": ({"exp": 1e300}, "exp is no time"),
    "with a beginning that is no time": ({"nbf": [1]}, "nbf is no time"),
    "of another audience": ({"aud": "other"}, "Audience"),
    "of several other audiences": ({"aud": ["a", "b"]}, "Audience"),
    "without an audience": ({"aud": None}, "Audience"),
    "with an audience that is no text": ({"aud": {"gateway": 1}}, "Audience"),
    "of an issuer that nobody trusts": ({"iss": "https://elsewhere"}, "Nobody here trusts"),
    "without an issuer": ({"iss": None}, "Nobody here trusts"),
    "with an issuer that is no text": ({"iss": ["x"]}, "Nobody here trusts"),
}


@pytest.mark.parametrize("case", TIMES)
async def test_refused_is_a_token(case, bench, provider):
    claims, text = TIMES[case]

    error = await bench.refusal(provider.token(**claims))

    assert isinstance(error, AuthenticationFailed)
    assert text in error.message


async def test_leeway_is_for_clocks_that_differ(fetcher, provider):
    bench = Bench(fetcher, JwtSettings(issuers=(entry(provider),), leeway=30))

    await bench.verify(provider.token(exp=NOW - 29, nbf=NOW + 29))
    assert "expired" in (await bench.refusal(provider.token(exp=NOW - 31))).message


async def test_one_of_several_audiences_is_enough(bench, provider):
    assert await bench.verify(provider.token(aud=["other", "gateway"]))


def forge(name: str, provider: OidcProvider) -> str:
    """A token that only looks genuine."""
    key = provider.keys[0]
    claims = {"iss": provider.issuer, "aud": "gateway", "sub": "admin", "exp": NOW + 60}
    genuine = provider.token()
    head, body, signature = genuine.split(".")
    public = key.as_pem(private=False)
    symmetric = json.dumps({"alg": "HS256", "kid": key.kid}).encode()
    hashed = f"{encode(symmetric)}.{encode(json.dumps(claims).encode())}"
    forged = {
        "none": f"{encode(json.dumps({'alg': 'none'}).encode())}.{encode(json.dumps(claims).encode())}.",
        "None in other case": sign(key, claims, alg="nOnE"),
        "HMAC with the public key": f"{hashed}.{encode(hmac.digest(public, hashed.encode(), 'sha256'))}",
        "RSA key said to be for HMAC": sign(key, claims, alg="HS256"),
        "EC algorithm with an RSA key": sign(key, claims, alg="ES256"),
        "another RSA algorithm than was used": sign(key, claims, alg="RS512"),
        "another key of the same kid": sign(make_key("other"), claims, kid=key.kid),
        "key in the header": sign(
            make_key("other"), claims, kid=None, jwk=make_key("other").as_dict(private=False)
        ),
        "changed claims": f"{head}.{encode(json.dumps(claims).encode())}.{signature}",
        "no signature": f"{head}.{body}.",
        "critical extension": sign(key, claims, crit=["exp"]),
        "critical extension, empty": sign(key, claims, crit=[]),
        "unencoded payload": sign(key, claims, b64=False),
        "kid that is no text": sign(key, claims, kid=7),
        "logout token": sign(key, claims, typ="logout+jwt"),
        "no algorithm": sign(key, claims, alg=None),
        "algorithm that is no text": sign(key, claims, alg=["RS256"]),
        "header that is a list": f"{encode(b'[1]')}.{body}.{signature}",
        "claims that are a text": sign(key, b'"sub"'),
        "claims nested without end": sign(key, b"[" * 9_000),
        "claims that are no JSON": sign(key, b"\xff\xfe"),
        "base64 with padding": f"{head}.{body}.{signature}==",
        "base64 of the other alphabet": f"{head}.{body}.{signature[:-4]}+/+/",
        "base64 with a stranger": f"{head}.{body}.{signature[:-1]}\u00e9",
        "oversized": sign(key, {**claims, "pad": "x" * LONGEST_TOKEN}),
    }
    return forged[name]


FORGED = (
    *("none", "None in other case", "HMAC with the public key", "RSA key said to be for HMAC"),
    *("EC algorithm with an RSA key", "another RSA algorithm than was used", "another key of the same kid"),
    *(
        "key in the header",
        "changed claims",
        "no signature",
        "critical extension",
        "critical extension, empty",
    ),
    *(
        "unencoded payload",
        "kid that is no text",
        "logout token",
        "no algorithm",
        "algorithm that is no text",
    ),
    *(
        "header that is a list",
        "claims that are a text",
        "claims nested without end",
        "claims that are no JSON",
    ),
    *("base64 with padding", "base64 of the other alphabet", "base64 with a stranger", "oversized"),
)


@pytest.mark.parametrize("name", FORGED)
async def test_forged_with(name, bench, provider):
    error = await bench.refusal(forge(name, provider))

    assert isinstance(error, AuthenticationFailed)
    assert "Traceback" not in error.message


async def test_a_token_without_kid_needs_a_key_that_is_the_only_one(bench, provider):
    token = sign(provider.keys[0], msgspec.json.decode(_claims(provider)), kid=None)
    assert await bench.verify(token)

    provider.keys = [*provider.keys, make_key("second")]
    bench.clock.advance(5_000)
    fresh = sign(provider.keys[0], {**msgspec.json.decode(_claims(provider)), "exp": NOW + 9_000}, kid=None)

    assert "No matching public key" in (await bench.refusal(fresh)).message


def _claims(provider: OidcProvider) -> bytes:
    return json.dumps({"iss": provider.issuer, "aud": "gateway", "exp": NOW + 60}).encode()


async def test_keys_of_one_issuer_are_not_tried_for_another(fetcher, provider):
    async with OidcProvider(make_key("b")) as other:
        bench = Bench(fetcher, JwtSettings(issuers=(entry(provider), entry(other))))

        assert await bench.verify(other.token())
        assert (await bench.refusal(other.token(iss=provider.issuer))).status == 401
        assert other.requests["/jwks"] == 1


async def test_an_issuer_without_an_entry_goes_the_general_way(fetcher, provider):
    async with OidcProvider(make_key("b")) as other:
        settings = JwtSettings(issuers=(entry(provider),), key_urls=(other.jwks_url,), audience="gateway")
        bench = Bench(fetcher, settings)

        assert await bench.verify(other.token())
        assert (await bench.refusal(other.token(aud="x"))).status == 401
        # Whose issuer has an entry is not judged by the general settings.
        assert (await bench.refusal(other.token(iss=provider.issuer))).status == 401
        assert (await bench.refusal(provider.token(key=make_key("unknown")))).status == 401
        assert other.requests["/jwks"] == 1


async def test_the_general_issuer_is_checked_where_there_is_one(fetcher, provider):
    settings = JwtSettings(key_urls=(provider.jwks_url,), issuer=provider.issuer, audience="gateway")
    bench = Bench(fetcher, settings)

    assert await bench.verify(provider.token())
    assert "Invalid issuer" in (await bench.refusal(provider.token(iss="other"))).message
    assert "Invalid issuer" in (await bench.refusal(provider.token(iss=None))).message


async def test_settings_that_scope_nothing_are_told_once(fetcher, provider):
    with capture_logs() as logs:
        bench = Bench(fetcher, JwtSettings(key_urls=(provider.jwks_url,), issuers=(entry(provider),)))
        await bench.verify(provider.token(iss="anybody", aud=None))
        await bench.verify(provider.token(iss="anybody", aud="anything"))

    assert [line["event"] for line in logs] == ["jwt_unscoped"]


async def test_every_audience_passes_where_that_was_said(fetcher, provider):
    bench = Bench(fetcher, JwtSettings(issuers=(entry(provider, audience=None, takes_any_audience=True),)))

    assert await bench.verify(provider.token(aud="anything"))


async def test_the_claims_are_not_changed(bench, provider):
    verified = await bench.verify(provider.token(_litellm_jwt_issuer="x", sub="ada"))

    assert verified.claims.find("_litellm_jwt_issuer") is None
    assert verified.claims.find("sub") == "ada"
