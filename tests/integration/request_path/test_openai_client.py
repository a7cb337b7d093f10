"""The unmodified `openai` client against the gateway."""

import pytest

from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_chat_completion_is_answered(live: LiveGateway, key: str) -> None:
    answer = await live.openai(key).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hello"}]
    )
    assert answer.choices[0].message.content == "Hello there"
    assert answer.model == "m"
    row = await live.row(key)
    assert row.nanos == 11 * 1000 + 7 * 10000
