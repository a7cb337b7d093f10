import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial

import msgspec
import pytest

from gateway.db.asking import Colleagues
from gateway.db.engine import Database
from gateway.db.notify import ChangeListener, notify_all
from gateway.db.url import parse_database_url

CHANNEL = "asking"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(parse_database_url(database_url))
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def three(database: Database) -> AsyncIterator[list[Colleagues]]:
    """Workers that hear one channel; each answers with its own number."""
    workers = [Colleagues(partial(notify_all, database, CHANNEL), seconds=10) for _ in range(3)]
    listeners: list[ChangeListener] = []
    for number, worker in enumerate(workers):
        worker.answers["number"] = partial(_answer, number)
        listener = ChangeListener(database.options, CHANNEL, worker.apply, lambda: None)
        await listener.start()
        listeners.append(listener)
    yield workers
    for listener in listeners:
        await listener.stop()


def _answer(number: int, argument: str) -> Sequence[bytes]:
    return [msgspec.json.encode(f"{argument}{number}")]


async def test_all_others_answer(three: list[Colleagues]) -> None:
    values = await three[0].ask("number", "n=", 2)
    assert sorted(map(msgspec.json.decode, values)) == ["n=1", "n=2"]


async def test_who_is_alone_asks_nobody(three: list[Colleagues]) -> None:
    assert await three[0].ask("number", "", 0) == []


async def test_questions_at_the_same_time_have_their_own_answers(three: list[Colleagues]) -> None:
    answers = await asyncio.gather(*(three[0].ask("number", f"{one}:", 2) for one in range(5)))
    for one, values in enumerate(answers):
        assert sorted(map(msgspec.json.decode, values)) == [f"{one}:1", f"{one}:2"]


async def test_a_long_answer_comes_in_parts_and_in_order(three: list[Colleagues]) -> None:
    long = [msgspec.json.encode(f"{number:05} ä" + "x" * 300) for number in range(400)]
    three[1].answers["list"] = lambda _: long
    assert await three[0].ask("list", "", 1) == long


async def test_a_value_that_fits_no_notice_is_left_out(three: list[Colleagues]) -> None:
    three[1].answers["list"] = lambda _: [b'"' + b"x" * 8_000 + b'"', b'"short"']
    assert await three[0].ask("list", "", 1) == [b'"short"']


async def test_all_others_are_told(three: list[Colleagues]) -> None:
    heard: list[str] = []
    for number, worker in enumerate(three):
        worker.hearers["news"] = partial(_note, heard, number)
    await three[0].tell("news", "ä")
    await three[0].ask("number", "", 2)  # What is told before a question is heard before its answer.
    assert sorted(heard) == ["1 ä", "2 ä"]


async def test_who_is_silent_is_not_waited_for(database: Database) -> None:
    lonely = Colleagues(partial(notify_all, database, CHANNEL), seconds=0.01)
    assert await lonely.ask("number", "", 1) == []


async def test_what_cannot_be_read_is_left_alone(three: list[Colleagues], database: Database) -> None:
    await notify_all(database, CHANNEL, ["ask:", "ask:{", 'ask:{"asked":"x","question":"unknown"}'])
    assert len(await three[0].ask("number", "", 2)) == 2


def _note(heard: list[str], number: int, text: str) -> None:
    heard.append(f"{number} {text}")


async def test_one_of_the_others_is_consulted(three: list[Colleagues]) -> None:
    asked: list[int] = []
    for number, worker in enumerate(three):
        worker.serve("name", partial(_say, asked, number))
    assert await three[0].consult(three[2].name, "name", "ä") == "ä2"
    assert await three[1].consult(three[0].name, "name", "b") == "b0"
    assert asked == [2, 0]


async def test_who_is_gone_is_not_waited_for(database: Database) -> None:
    lonely = Colleagues(partial(notify_all, database, CHANNEL), consulted_seconds=0.01)
    assert await lonely.consult("somebody", "name", "") is None


async def _say(asked: list[int], number: int, argument: str) -> str:
    asked.append(number)
    return f"{argument}{number}"
