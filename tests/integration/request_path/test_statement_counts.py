"""How much SQL a request sends."""

import asyncio

import pytest

from tests.integration.counting import counting, quiet
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_known_key_sends_no_sql(live: LiveGateway, is_stream: bool) -> None:  # noqa: FBT001  pytest passes it by name
    key = await live.make_key(max_budget=1, rpm_limit=100, tpm_limit=100_000, max_parallel_requests=10)
    await quiet(live)
    await live.chat(key)
    async with counting(live, holds_drain=True) as counter:
        answer = await live.chat(key, stream=is_stream)
    assert answer.status_code == 200
    assert counter.statements == []


async def test_an_unknown_key_sends_one_statement_and_its_repetition_none(live: LiveGateway) -> None:
    await quiet(live)
    async with counting(live, holds_drain=True) as counter:
        for _ in range(3):
            assert (await live.chat("sk-nobody-ever-issued-this-0")).status_code == 401
    assert len(counter.statements) == 1


async def test_a_new_key_sends_one_statement_however_many_ask_at_once(live: LiveGateway, key: str) -> None:
    other = await live.make_key()
    await quiet(live)
    # The client's program is a tag, which may have a budget: it is known from here on.
    await live.chat(other)
    async with counting(live, holds_drain=True) as counter:
        answers = await asyncio.gather(*(live.chat(key) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(counter.statements) == 1


async def test_all_names_of_a_request_are_one_statement_and_known_after_it(
    live: LiveGateway, key: str
) -> None:
    await quiet(live)
    await live.chat(key)
    said = {"user": "somebody", "metadata": {"tags": ["a", "b"]}, "tags": ["c"]}
    counted = []
    for _ in range(2):
        async with counting(live, holds_drain=True) as counter:
            answer = await live.chat(key, **said)
        assert answer.status_code == 200
        counted.append(len(counter))
    assert counted == [1, 0]


async def test_a_refused_budget_sends_no_sql(live: LiveGateway) -> None:
    key = await live.make_key(max_budget=0)
    await quiet(live)
    await live.chat(key)
    async with counting(live, holds_drain=True) as counter:
        assert (await live.chat(key)).status_code == 422
    assert counter.statements == []
