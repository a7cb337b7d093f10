"""The entrance with an ASGI application and a lane that say what reached them; a server of our own asks."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from granian.rsgi import ProtocolClosed

from gateway.clock import SystemClock
from gateway.errors import BadRequest, BodyTooLarge
from gateway.http.entrance import Entrance
from gateway.http.parted_exchanges import PartedRsgiExchange
from gateway.http.pass_through import PassThroughLane
from gateway.http.rsgi_exchange import RsgiExchange, read_head
from gateway.pipeline.exchange import ClientLeftError
from gateway.pipeline.pass_through.body import PartedExchange
from gateway.runtime import Gateway

Pairs = Sequence[tuple[str, str]]
FORWARDED = "x-forwarded-for"


class Headers:
    """As the server has them: a value that it does not hand over is None here, and only its name is told."""

    def __init__(self, *pairs: tuple[str, str | None]) -> None:
        self._pairs = pairs

    def __contains__(self, name: str) -> bool:
        return name in self.keys()

    def __len__(self) -> int:
        return len(self.keys())

    def get(self, name: str) -> str | None:
        return next((value for one, value in self._pairs if one == name), None)

    def keys(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self._pairs))

    def items(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self._pairs if value is not None]


class Scope:
    http_version, server, scheme, method, query_string = "1.1", "127.0.0.1:4000", "http", "POST", "a=1"

    def __init__(self, path: str, *headers: tuple[str, str | None], client: str = "10.0.0.1:5") -> None:
        self.path = path
        self.client = client
        self.headers = Headers(*headers)


class Protocol:
    """Sends `parts`, then nothing, or breaks off; keeps what is answered."""

    def __init__(self, *parts: bytes, is_cut: bool = False, closes_after: int = 99) -> None:
        self._parts = parts
        self._is_cut = is_cut
        self._closes_after = closes_after
        self.status = 0
        self.headers: Pairs = ()
        self.sent: list[bytes] = []
        self.left = asyncio.Event()

    async def __call__(self) -> bytes:
        return b"".join([part async for part in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part
        if self._is_cut:
            raise ProtocolClosed

    async def client_disconnect(self) -> None:
        await self.left.wait()

    def response_bytes(self, status: int, headers: Pairs, body: bytes) -> None:
        self.status, self.headers = status, headers
        self.sent.append(body)

    def response_stream(self, status: int, headers: Pairs) -> "Protocol":
        self.status, self.headers = status, headers
        return self

    async def send_bytes(self, data: bytes) -> None:
        if len(self.sent) >= self._closes_after:
            raise ProtocolClosed
        self.sent.append(data)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application: whole answers below /whole, in parts below /parts."""
    parts: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        parts.append(message["body"])
        if not message["more_body"]:
            break
    told = [b"cut"] if message["type"] == "http.disconnect" else parts
    headers = [(b"x-path", scope["path"].encode()), (b"x-peer", scope["client"][0].encode())]
    headers += [(name, value) for name, value in scope["headers"] if name == FORWARDED.encode()]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    if scope["path"] == "/parts":
        for part in told:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    await send({"type": "http.response.body", "body": b"".join(told)})


@asynccontextmanager
async def no_life() -> AsyncIterator[None]:
    yield


async def test_a_stream_has_ended_whoever_keeps_what_it_was_sent_by() -> None:
    """The server ends an answer when its transport is forgotten."""
    kept: list[Any] = []
    told: list[weakref.ref[object]] = []

    class Transport:
        async def send_bytes(self, data: bytes) -> None:
            del data

    class Streaming(Protocol):
        def response_stream(self, status: int, headers: Pairs) -> Any:
            transport = Transport()
            told.append(weakref.ref(transport))
            return transport

    async def keep(scope: Any, receive: Any, send: Any) -> None:
        kept.append(send)
        await echo(scope, receive, send)

    await Entrance(keep, no_life(), {}).__rsgi__(Scope("/parts"), Streaming(b"one"))
    assert kept
    assert [one() for one in told] == [None]


def make_entrance(lanes: dict[str, Any] | None = None) -> Entrance:
    return Entrance(echo, no_life(), lanes or {})


async def test_a_request_reaches_the_asgi_application_whole() -> None:
    protocol = Protocol(b"one", b"two")
    await make_entrance().__rsgi__(Scope("/whole", client="[::1]:7"), protocol)
    assert (protocol.status, protocol.sent) == (201, [b"onetwo"])
    assert protocol.headers == [("x-path", "/whole"), ("x-peer", "::1")]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ([], []),
        (["1.2.3.4"], ["1.2.3.4"]),
        (["1.2.3.4", "10.0.0.1"], ["1.2.3.4", "10.0.0.1"]),
        ([None], ["unknown"]),
        ([None, "10.0.0.1"], ["unknown", "10.0.0.1"]),
    ],
)
async def test_whom_a_proxy_told_of_is_unknown_where_the_server_leaves_it_out(
    sent: list[str | None], told: list[str]
) -> None:
    scope, protocol = Scope("/whole", ("a", "1"), *((FORWARDED, value) for value in sent)), Protocol()
    await make_entrance().__rsgi__(scope, protocol)
    assert [value for name, value in protocol.headers if name == FORWARDED] == told
    assert read_head(scope, scope.headers, "/whole").headers.get(FORWARDED, "") == ", ".join(told)


async def test_an_answer_in_parts_goes_out_in_parts() -> None:
    protocol = Protocol(b"one", b"two")
    await make_entrance().__rsgi__(Scope("/parts"), protocol)
    assert protocol.sent == [b"one", b"two"]


async def test_a_client_that_leaves_is_told_by_receive_and_never_by_send() -> None:
    cut, gone = Protocol(b"one", is_cut=True), Protocol(b"one", b"two", closes_after=1)
    await make_entrance().__rsgi__(Scope("/whole"), cut)
    await make_entrance().__rsgi__(Scope("/parts"), gone)
    assert cut.sent == [b"cut"]
    assert gone.sent == [b"one"]


@pytest.mark.parametrize(
    ("path", "headers", "takes_lane"),
    [
        ("/v1/x", [], True),
        ("/v1/x/", [], False),
        ("//v1/x", [], False),
        ("/v1/x", [("origin", "https://a.example")], False),
    ],
)
async def test_a_lane_is_for_its_exact_path_and_never_for_another_origin(
    path: str, headers: list[tuple[str, str]], *, takes_lane: bool
) -> None:
    taken: list[str] = []

    async def lane(scope: Any, _headers: Any, _protocol: Any) -> None:
        taken.append(scope.path)

    await make_entrance({"/v1/x": lane}).__rsgi__(Scope(path, *headers), Protocol())
    assert bool(taken) is takes_lane


class PassThroughs(PassThroughLane):
    """Knows one path, below a root too, and leads as long as it is told to."""

    def __init__(self) -> None:
        super().__init__(cast("Gateway", SimpleNamespace(clock=SystemClock())), "/root")
        self.note("/svc/")
        self.led: list[tuple[str, str]] = []
        self.leads = True

    async def lead(self, exchange: PartedExchange, path: str) -> bool:
        if self.leads:
            self.led.append((exchange.head.path, path))
        return self.leads


@pytest.mark.parametrize(
    ("path", "headers", "is_led"),
    [
        ("/svc/", [], True),
        ("/root/svc/", [], True),
        ("/svc", [], False),
        ("/svc/below", [], False),
        ("/svc/", [("origin", "https://a.example")], False),
    ],
)
async def test_a_pass_through_that_answered_before_is_led_to_at_once(
    path: str, headers: list[tuple[str, str]], *, is_led: bool
) -> None:
    known, protocol = PassThroughs(), Protocol(b"body")
    await Entrance(echo, no_life(), {}, known).__rsgi__(Scope(path, *headers), protocol)
    assert known.led == ([("/svc", "/svc/")] if is_led else [])
    assert protocol.sent == ([] if is_led else [b"body"])


async def test_a_pass_through_that_is_gone_is_looked_up_again_with_nothing_lost() -> None:
    known, protocol = PassThroughs(), Protocol(b"body")
    known.leads = False
    await Entrance(echo, no_life(), {}, known).__rsgi__(Scope("/svc/"), protocol)
    assert protocol.sent == [b"body"]


def test_paths_that_are_known_are_bounded() -> None:
    known = PassThroughs()
    for number in range(5000):
        known.note(f"/svc/{number}")
    assert known.find("/svc/") is None
    assert known.find("/root/svc/4999") == "/svc/4999"


async def test_what_keeps_the_application_closed_is_raised_at_the_start() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise LookupError("no database")
        yield

    with pytest.raises(LookupError):
        await Entrance(echo, broken(), {}).open()


def make_exchange(protocol: Protocol, *headers: tuple[str, str | None]) -> RsgiExchange:
    scope = Scope("/v1/x", *headers)
    return RsgiExchange(scope, scope.headers, "/v1/x", protocol, SystemClock())


async def test_a_body_without_a_length_is_counted() -> None:
    assert await make_exchange(Protocol(b"0" * 6, b"0" * 4)).read_json_bytes(10) == b"0" * 10
    with pytest.raises(BodyTooLarge):
        await make_exchange(Protocol(b"0" * 6, b"0" * 5)).read_json_bytes(10)


@pytest.mark.parametrize("length", [(), (("content-length", "9"),)])
async def test_half_a_body_means_that_the_client_left(length: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ClientLeftError):
        await make_exchange(Protocol(b"{", is_cut=True), *length).read_json_bytes(10)


@pytest.mark.parametrize("host", ["a b", "evil\\", "<script>", "x/../y", "", "a" * 260])
async def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(BadRequest, match="Host"):
        make_exchange(Protocol(), ("host", host)).check_head()


@pytest.mark.parametrize(
    "host", ["localhost:4000", "a_b.example", "[::1]:4000", "10.0.0.1", "a" * 253 + ":65535"]
)
async def test_a_host_is_a_name_or_an_address(host: str) -> None:
    make_exchange(Protocol(), ("host", host), ("cookie", None), ("x-litellm-call-id", None)).check_head()


async def test_writing_to_a_client_that_left_says_nothing() -> None:
    protocol = Protocol(closes_after=1)
    exchange = make_exchange(protocol)
    await exchange.begin(200, [])
    for _ in range(3):
        await exchange.write(b"data: 1\n\n")
    await exchange.end(b"last")
    assert protocol.sent == [b"data: 1\n\n"]


async def read_all(exchange: PartedRsgiExchange) -> None:
    while (await exchange.read_part())[1]:
        pass


def make_parted(protocol: Protocol, *headers: tuple[str, str | None]) -> PartedRsgiExchange:
    return PartedRsgiExchange(Scope("/svc", *headers), "/svc", protocol, SystemClock())


@pytest.mark.parametrize(
    ("length", "parts"),
    [("6", [(b"onetwo", False)]), (None, [(b"one", True), (b"two", True), (b"", False)])],
)
async def test_a_small_body_comes_in_one_part(length: str | None, parts: list[tuple[bytes, bool]]) -> None:
    headers = [("content-length", length)] if length else []
    exchange = make_parted(Protocol(b"one", b"two"), *headers)
    assert [await exchange.read_part() for _ in parts] == parts


@pytest.mark.parametrize("length", ["6", "100000", None])
async def test_a_body_that_breaks_off_means_that_the_client_left(length: str | None) -> None:
    headers = [("content-length", length)] if length else []
    exchange = make_parted(Protocol(b"one", is_cut=True), *headers)
    with pytest.raises(ClientLeftError):
        await read_all(exchange)


async def test_the_head_of_a_parted_answer_goes_out_with_its_first_part() -> None:
    whole, parted = Protocol(), Protocol()
    one, other = make_parted(whole), make_parted(parted)
    await one.begin(200, [("a", "b")])
    assert (whole.status, one.is_begun) == (0, True)
    await one.end(b"all")
    await one.end(b"again")
    await other.begin(206, [])
    await other.write(b"")
    assert parted.status == 206
    await other.write(b"first")
    await other.end(b"last")
    assert (whole.status, whole.headers, whole.sent) == (200, [("a", "b")], [b"all"])
    assert parted.sent == [b"first", b"last"]
