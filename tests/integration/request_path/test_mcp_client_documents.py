"""Clients of the authorization server whose ids are the addresses of what they say of themselves."""

import asyncio
import base64
import contextlib
import hashlib
import ipaddress
import json
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import pytest
import pytest_asyncio

from gateway.cache.documents import Documents
from gateway.errors import ServiceUnavailable
from gateway.identity.grants.clients import Clients
from gateway.identity.grants.refusals import OAuthRefusal
from gateway.upstream.clients import UpstreamClients
from gateway.upstream.published import Published
from tests.certificates import write_certificate
from tests.integration.request_path.person import Person, manage
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

BACK = "https://app.example/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
JSON = "application/json"


class Site:
    """Serves by https at `origin` what `pages` has by path; `asked` are the paths in their order."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.connections = 0
        self.go = asyncio.Event()
        self.go.set()

    @contextlib.asynccontextmanager
    async def served(self, certificate: Path) -> AsyncIterator["Site"]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=context)
        async with server:
            self.origin = f"https://localhost:{server.sockets[0].getsockname()[1]}"
            yield self

    def show(self, path: str, body: Any, kind: str = JSON, status: str = "200 OK", **headers: str) -> str:
        """Have a page; returns its address."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", f"content-length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.pages[path] = "\r\n".join([*lines, "connection: close", "", ""]).encode() + content
        return self.origin + path

    def say(self, path: str, **changes: Any) -> str:
        """Have a page about a client whose id is its address."""
        about = {"client_id": self.origin + path, "client_name": "Editor", "redirect_uris": [BACK]}
        return self.show(path, {**about, **changes})

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            self.asked.append(path)
            await self.go.wait()
            writer.write(self.pages[path])
            await writer.drain()
        writer.close()


class TurnableClock:
    seconds = 0

    def now_nanos(self) -> int:
        return time.time_ns()

    def monotonic_nanos(self) -> int:
        return time.monotonic_ns() + self.seconds * 1_000_000_000


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    certificate = write_certificate(tmp_path_factory.mktemp("site"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificate))
        async with Site().served(certificate) as running:
            yield running


@pytest.fixture(autouse=True)
def clean(site: Site) -> None:
    site.asked.clear()
    site.connections = 0


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest_asyncio.fixture(loop_scope="session")
async def near(live: LiveGateway, clock: TurnableClock) -> AsyncIterator[Clients]:
    """The clients of a gateway with `client_side_networks` that contain this machine."""
    former = live.gateway.parts
    network = UpstreamClients([ipaddress.ip_network("127.0.0.0/8")])
    read = Published(network.guarded).read_object
    clients = Clients(former.added.seal, Documents(read, clock, absent_on=ServiceUnavailable))
    grants = msgspec.structs.replace(former.grants, clients=clients)
    live.gateway.parts = msgspec.structs.replace(former, grants=grants)
    yield clients
    live.gateway.parts = former
    await clients.close()
    await network.close()


async def test_a_client_logs_in_that_was_never_registered(
    live: LiveGateway, near: Clients, site: Site
) -> None:
    client_id = site.say("/client.json")
    made = await manage(live, "/user/new", auto_create_key=False)
    person = Person(live, made["user_id"])
    async with McpFixture(is_json=True) as server, person.http:
        live.configure(deployment("m", live.upstream), mcp_servers={"fix": {"url": server.url}})
        await person.log_in()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": BACK,
            "state": "s",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        back = urlsplit(await person.decide(f"/authorize?{urlencode(query)}"))
        assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
        fields = {"grant_type": "authorization_code", "client_id": client_id, "redirect_uri": BACK}
        said = dict(parse_qsl(back.query))
        told = await live.http.post(
            "/token", data={**fields, "code": said["code"], "code_verifier": VERIFIER}
        )
        assert told.status_code == 200, told.text
        headers = {"authorization": f"Bearer {told.json()['access_token']}"}
        listed = await live.http.get("/mcp-rest/tools/list", headers=headers)
        assert len(listed.json()["tools"]) == 4
    assert f"<b>Editor</b>, which <b>{site.origin[8:]}</b> says too," in person.page.text
    assert "The answer goes to <b>app.example</b>" in person.page.text
    assert site.asked == ["/client.json"], "it is kept for all the steps"


async def test_a_document_is_read_once_for_all_and_again_when_it_is_old(
    near: Clients, site: Site, clock: TurnableClock
) -> None:
    client_id = site.say("/once.json")
    found = await asyncio.gather(*(near.find(client_id) for _ in range(20)))
    assert {one.redirect_uris for one in found} == {(BACK,)}
    site.say("/once.json", redirect_uris=["https://app.example/new"])
    clock.seconds = 299
    assert (await near.find(client_id)).redirect_uris == (BACK,)
    assert site.asked == ["/once.json"]
    clock.seconds = 301
    assert (await near.find(client_id)).redirect_uris == ("https://app.example/new",)
    site.show("/once.json", b"", status="404 Not Found")
    clock.seconds = 602
    for _ in range(2):
        with pytest.raises(OAuthRefusal):
            await near.find(client_id)
    assert site.asked == ["/once.json"] * 3, "what is gone is not asked for again at once"


LONG = "x" * 64 * 1024
PAGES: dict[str, dict[str, Any]] = {
    "too large": {"client_uri": LONG},
    "another id": {"client_id": "https://localhost/client.json"},
    "no id": {"client_id": None},
    "a secret": {"token_endpoint_auth_method": "client_secret_post"},
    "no address": {"redirect_uris": []},
    "an address that nobody is sent to": {"redirect_uris": ["javascript:alert(1)"]},
    "addresses that are no list": {"redirect_uris": BACK},
}
RAW: dict[str, tuple[Any, str, str]] = {
    "no JSON": (b"{", JSON, "200 OK"),
    "a list": ([], JSON, "200 OK"),
    "deep": (b"[" * 60_000, JSON, "200 OK"),
    "no text": (b'{"client_id": "\xff"}', JSON, "200 OK"),
    "an error": ({}, JSON, "500 Oh"),
    "nothing": (b"", JSON, "204 No Content"),
}


@pytest.mark.parametrize("case", [*PAGES, *RAW, "a page for people", "a redirect"])
async def test_a_document_that_is_none_is_refused(near: Clients, site: Site, case: str) -> None:
    path = f"/{case.replace(' ', '-')}.json"
    about = {"client_id": site.origin + path, "redirect_uris": [BACK]}
    if case in PAGES:
        client_id = site.say(path, **PAGES[case])
    elif case in RAW:
        body, kind, status = RAW[case]
        client_id = site.show(path, body, kind, status)
    elif case == "a redirect":
        elsewhere = site.show("/elsewhere.json", about)
        client_id = site.show(path, about, status="302 Found", location=elsewhere)
    else:
        # On a site where anybody may leave pages, one would speak for the site.
        client_id = site.show(path, about, "text/html")
    with pytest.raises(OAuthRefusal) as refused:
        await near.find(client_id)
    assert refused.value.error in {"invalid_client", "invalid_redirect_uri"}
    assert LONG not in str(refused.value)
    assert site.asked == [path]


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/client+json", "Application/JSON"]
)
async def test_kinds_of_json_are_read(near: Clients, site: Site, kind: str) -> None:
    path = f"/{hashlib.sha256(kind.encode()).hexdigest()}"
    about = {"client_id": site.origin + path, "redirect_uris": [BACK]}
    assert (await near.find(site.show(path, about, kind))).redirect_uris == (BACK,)


async def test_no_document_is_read_in_private_networks(live: LiveGateway, site: Site) -> None:
    client_id = site.say("/private.json")
    for address in (client_id, client_id.replace("localhost", "127.0.0.1"), "https://[::1]/client.json"):
        with pytest.raises(OAuthRefusal):
            await live.gateway.parts.grants.clients.find(address)
    assert site.connections == 0
