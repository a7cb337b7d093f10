import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.cache.documents import Documents, Freshness
from gateway.errors import AuthenticationFailed, ServiceUnavailable
from gateway.identity.tokens.key_sets import KeySets
from gateway.testing import FakeClock
from gateway.upstream.fetching import Fetcher
from tests.oidc import OidcProvider, make_key


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[OidcProvider]:
    async with OidcProvider() as provider:
        yield provider


class Bench:
    def __init__(self, fetcher: Fetcher) -> None:
        self.clock = FakeClock()
        self.documents = Documents(fetcher.read_object, self.clock, absent_on=ServiceUnavailable)
        self.key_sets = KeySets(self.documents, Freshness())

    async def find(self, *urls: str, kid: str | None = "first", issuer: str | None = None) -> str | None:
        return (await self.key_sets.find_key(urls, issuer, "RS256", kid)).kid


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    fetcher = Fetcher()
    bench = Bench(fetcher)
    yield bench
    await bench.documents.close()
    await fetcher.close()


async def test_a_new_key_is_found_by_one_more_reading(bench, provider):
    assert await bench.find(provider.jwks_url) == "first"
    provider.keys = [make_key("second")]
    bench.clock.advance(11)

    assert await bench.find(provider.jwks_url, kid="second") == "second"
    assert provider.requests["/jwks"] == 2


async def test_unknown_keys_do_not_have_the_provider_asked_all_the_time(bench, provider):
    await bench.find(provider.jwks_url)
    bench.clock.advance(11)
    for number in range(50):
        with pytest.raises(AuthenticationFailed, match="No matching public key"):
            await bench.find(provider.jwks_url, kid=f"made-up-{number}")

    assert provider.requests["/jwks"] == 2


async def test_a_withdrawn_key_is_refused_once_the_set_was_read_again(bench, provider):
    await bench.find(provider.jwks_url)
    provider.keys = [make_key("second")]
    bench.clock.advance(11)
    await bench.find(provider.jwks_url, kid="second")

    with pytest.raises(AuthenticationFailed):
        await bench.find(provider.jwks_url, kid="first")


async def test_everybody_waits_for_one_reading_of_a_slow_provider(bench, provider):
    provider.gate.clear()
    waiting = [asyncio.create_task(bench.find(provider.jwks_url)) for _ in range(20)]
    await provider.arrived.wait()
    provider.gate.set()

    assert await asyncio.gather(*waiting) == ["first"] * 20
    assert provider.requests["/jwks"] == 1


async def test_the_next_set_is_asked_only_for_a_key_that_the_first_lacks(bench, provider):
    async with OidcProvider(make_key("second")) as other:
        assert await bench.find(provider.jwks_url, other.jwks_url) == "first"
        assert other.requests["/jwks"] == 0
        assert await bench.find(provider.jwks_url, other.jwks_url, kid="second") == "second"


async def test_a_set_that_cannot_be_read_is_not_passed_over(bench, provider):
    async with OidcProvider(make_key("second")) as other:
        provider.status = 500

        with pytest.raises(ServiceUnavailable) as caught:
            await bench.find(provider.jwks_url, other.jwks_url, kid="second")

    assert caught.value.type == "auth_provider_unavailable"
    assert provider.issuer not in caught.value.message


async def test_discovery_leads_to_the_set(bench, provider):
    assert await bench.find(provider.discovery_url, issuer=provider.issuer) == "first"
    assert await bench.find(provider.discovery_url, issuer=provider.issuer) == "first"
    assert provider.requests == {"/.well-known/openid-configuration": 1, "/jwks": 1}


DISCOVERED = {
    "another issuer's": {"issuer": "https://other", "jwks_uri": "http://127.0.0.1:1/jwks"},
    "one without keys": {"issuer": None},
    "one with a file": {"jwks_uri": "file:///etc/passwd"},
    "one with a number": {"jwks_uri": 7},
}


@pytest.mark.parametrize("case", DISCOVERED)
async def test_a_discovery_document_is_refused_that_is(case, bench, provider):
    path = "/.well-known/openid-configuration"
    provider.documents[path] = json.dumps(DISCOVERED[case]).encode()

    with pytest.raises(ServiceUnavailable):
        await bench.find(provider.discovery_url, issuer=provider.issuer)


SETS = {
    "no JSON": b"<html>",
    "a list": b"[]",
    "no key set": b'{"keys": 7}',
    "too large": b'{"keys": "' + b"x" * 2_000_000 + b'"}',
}


@pytest.mark.parametrize("case", SETS)
async def test_what_is_published_in_the_place_of_a_set_is_told_to_be_unusable(case, bench, provider):
    provider.documents["/jwks"] = SETS[case]

    with pytest.raises(ServiceUnavailable):
        await bench.find(provider.jwks_url)


async def test_redirects_are_not_followed(bench, provider):
    provider.status = 302

    with pytest.raises(ServiceUnavailable):
        await bench.find(provider.jwks_url)
