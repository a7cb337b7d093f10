"""A pattern of a provider covers the bare names of its models, wherever they are deployed."""

import pytest

from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("name", "status"), [("gpt-4o", 200), ("ours", 200), ("claude-sonnet", 403), ("other", 403)]
)
async def test_the_pattern_of_a_provider_covers_its_family_and_its_deployments(
    live: LiveGateway, name: str, status: int
) -> None:
    azure = {"model": "azure/x", "api_version": "2024-10-21"}
    live.configure(
        deployment("gpt-4o", live.upstream, **azure),
        deployment("ours", live.upstream),
        deployment("claude-sonnet", live.upstream, **azure),
        deployment("other", live.upstream, **azure),
    )
    key = await live.make_key(models=["openai/*"])
    assert (await live.chat(key, model=name)).status_code == status
