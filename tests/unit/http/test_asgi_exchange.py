import pytest

from gateway.errors import BadRequest, BodyTooLarge, UnsupportedMediaType
from gateway.pipeline.exchange import ClientLeftError
from tests.unit.conftest import part


@pytest.mark.parametrize(
    "parts",
    [[b"0123456789"], [b"01234", b"56789"], [b"", b"0123456789", b""], [b"0123456789", b""]],
    ids=len,
)
async def test_a_body_is_read_whole_up_to_its_limit(make_exchange, parts: list[bytes]) -> None:
    messages = [part(data, more=index < len(parts) - 1) for index, data in enumerate(parts)]
    exchange, _ = make_exchange(*messages)
    assert await exchange.read_json_bytes(10) == b"0123456789"


@pytest.mark.parametrize("parts", [[b"0" * 11], [b"0" * 6, b"0" * 5], [b"0" * 10, b"0"]], ids=len)
async def test_one_byte_more_is_refused(make_exchange, parts: list[bytes]) -> None:
    messages = [part(data, more=index < len(parts) - 1) for index, data in enumerate(parts)]
    exchange, _ = make_exchange(*messages)
    with pytest.raises(BodyTooLarge):
        await exchange.read_json_bytes(10)


async def test_a_declared_length_beyond_the_limit_is_refused_unread(make_exchange) -> None:
    exchange, conversation = make_exchange(part(b"x"), content_length="11")
    with pytest.raises(BodyTooLarge):
        await exchange.read_json_bytes(10)
    assert conversation.asked == 0


async def test_an_endless_body_is_refused_soon_after_its_limit(make_exchange) -> None:
    exchange, conversation = make_exchange(*(part(b"0" * 4, more=True) for _ in range(1000)))
    with pytest.raises(BodyTooLarge):
        await exchange.read_json_bytes(10)
    assert conversation.asked <= 4


async def test_a_length_that_is_no_number_is_not_believed(make_exchange) -> None:
    exchange, _ = make_exchange(part(b"{}"), content_length="-5")
    assert await exchange.read_json_bytes(10) == b"{}"


@pytest.mark.parametrize("messages", [[], [part(b"{", more=True)]], ids=["at once", "in the body"])
async def test_a_client_that_leaves_before_the_end_has_asked_nothing(make_exchange, messages) -> None:
    exchange, _ = make_exchange(*messages)
    with pytest.raises(ClientLeftError):
        await exchange.read_json_bytes(10)


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", ""]
)
async def test_content_types_of_json_are_read(make_exchange, kind: str) -> None:
    exchange, _ = make_exchange(part(b"{}"), content_type=kind)
    assert await exchange.read_json_bytes(10) == b"{}"


async def test_other_content_types_are_refused(make_exchange) -> None:
    exchange, _ = make_exchange(part(b"{}"), content_type="text/plain")
    with pytest.raises(UnsupportedMediaType):
        await exchange.read_json_bytes(10)


async def test_an_answer_ends_once(make_exchange) -> None:
    exchange, conversation = make_exchange()
    await exchange.begin(200, [])
    await exchange.end(b"a")
    await exchange.end(b"b")
    assert conversation.body == b"a"


def test_two_ways_to_state_a_length_are_refused(make_exchange) -> None:
    exchange, _ = make_exchange(content_length="1", transfer_encoding="chunked")
    with pytest.raises(BadRequest):
        exchange.check_head()
