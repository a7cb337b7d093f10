import pytest

from gateway.catalog.naming import find_provider, list_prefixes


@pytest.mark.parametrize(
    ("model", "prefix", "name"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("gpt-4o", "openai", "gpt-4o"),
        ("o3-mini", "openai", "o3-mini"),
        ("ft:gpt-4o-mini:acme::1", "openai", "ft:gpt-4o-mini:acme::1"),
        ("text-embedding-3-small", "openai", "text-embedding-3-small"),
        ("gpt-3.5-turbo-instruct", "text-completion-openai", "gpt-3.5-turbo-instruct"),
        ("claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("gemini-2.5-pro", "gemini", "gemini-2.5-pro"),
        ("command-r-plus", "cohere", "command-r-plus"),
        ("openrouter/openai/gpt-4o", "openrouter", "openai/gpt-4o"),
        ("together_ai/meta-llama/Llama-3.3-70B", "together_ai", "meta-llama/Llama-3.3-70B"),
        ("azure/my-deployment", "azure", "my-deployment"),
    ],
)
def test_a_name_leads_to_its_provider(model: str, prefix: str, name: str) -> None:
    found = find_provider(model, None, api_base=None)

    assert found is not None
    assert (found[0].prefix, found[1]) == (prefix, name)


def test_an_unknown_name_with_an_address_is_openais_dialect() -> None:
    found = find_provider("org/my-model", None, api_base="http://localhost:8000")

    assert found is not None
    assert (found[0].prefix, found[1]) == ("openai", "org/my-model")


@pytest.mark.parametrize("model", ["my-model", "unknown/gpt-4o", "groq/", "*"])
def test_an_unknown_name_without_an_address_leads_nowhere(model: str) -> None:
    assert find_provider(model, None, api_base=None) is None


def test_the_chosen_provider_wins_over_the_name() -> None:
    found = find_provider("openai/gpt-4o", "openrouter", api_base=None)

    assert found is not None
    assert (found[0].prefix, found[1]) == ("openrouter", "openai/gpt-4o")


def test_a_chosen_provider_is_not_doubled() -> None:
    found = find_provider("groq/llama", "groq", api_base=None)

    assert found is not None
    assert found[1] == "llama"


@pytest.mark.parametrize(
    ("model", "chosen", "name"),
    [
        ("fireworks_ai/deepseek-v3p2", None, "accounts/fireworks/models/deepseek-v3p2"),
        ("deepseek-v3p2", "fireworks_ai", "accounts/fireworks/models/deepseek-v3p2"),
        ("fireworks_ai/accounts/me/models/mine", None, "accounts/me/models/mine"),
        ("fireworks_ai/nomic-ai/nomic-embed-text-v1.5", None, "nomic-ai/nomic-embed-text-v1.5"),
        ("fireworks_ai/*", None, "*"),
    ],
)
def test_a_short_name_becomes_the_one_that_the_provider_knows(
    model: str, chosen: str | None, name: str
) -> None:
    found = find_provider(model, chosen, api_base=None)

    assert found is not None
    assert found[1] == name


def test_an_unknown_chosen_provider_is_refused() -> None:
    assert find_provider("gpt-4o", "nobody", api_base="http://x") is None


def test_all_prefixes_of_the_contract_are_known() -> None:
    wanted = (
        "openai azure azure_ai groq together_ai fireworks_ai deepseek mistral xai openrouter perplexity "
        "cerebras nvidia_nim vllm hosted_vllm ollama ollama_chat lm_studio llamafile sambanova deepinfra "
        "hyperbolic novita moonshot dashscope gemini anthropic github litellm_proxy custom_openai "
        "openai_like text-completion-openai cohere huggingface baseten volcengine nebius mock"
    )

    assert set(wanted.split()) <= set(list_prefixes())
