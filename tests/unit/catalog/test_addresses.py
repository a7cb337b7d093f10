import pytest

from gateway.catalog.addresses import build_urls
from gateway.catalog.providers import PROVIDERS
from gateway.domain import Endpoint


def chat_url(prefix: str, base: str, model: str = "m", api_version: str | None = None) -> str:
    return build_urls(PROVIDERS[prefix], base, model, api_version)[Endpoint.CHAT]


@pytest.mark.parametrize(
    "base",
    [
        "https://api.example.com/v1",
        "https://api.example.com/v1/",
        "https://api.example.com/v1/chat/completions",
        "https://api.example.com/v1/embeddings/",
        "https://api.example.com/v1?x=1",
    ],
)
def test_a_base_is_taken_as_people_paste_it(base: str) -> None:
    assert chat_url("openai", base) == "https://api.example.com/v1/chat/completions"


def test_every_endpoint_has_its_address() -> None:
    urls = build_urls(PROVIDERS["groq"], "https://api.groq.com/openai/v1", "m", None)

    assert urls == {
        Endpoint.CHAT: "https://api.groq.com/openai/v1/chat/completions",
        Endpoint.COMPLETIONS: "https://api.groq.com/openai/v1/completions",
        Endpoint.EMBEDDINGS: "https://api.groq.com/openai/v1/embeddings",
        Endpoint.RESPONSES: "https://api.groq.com/openai/v1/responses",
    }


@pytest.mark.parametrize(
    ("prefix", "base", "version"),
    [
        ("azure", "https://r.openai.azure.com", "2024-10-21"),
        ("azure", "https://r.openai.azure.com/openai/deployments/d/chat/completions", None),
        ("azure", "https://r.openai.azure.com", "v1"),
        ("azure_ai", "https://r.openai.azure.com/openai/v1", None),
        ("azure_ai", "https://r.services.ai.azure.com/models", None),
    ],
)
def test_azure_has_responses_at_one_address(prefix: str, base: str, version: str | None) -> None:
    """The body names the deployment: learn.microsoft.com/azure/ai-services/openai/how-to/responses."""
    host = "r.services.ai" if "services.ai" in base else "r.openai"
    urls = build_urls(PROVIDERS[prefix], base, "d", version)
    assert urls[Endpoint.RESPONSES] == f"https://{host}.azure.com/openai/v1/responses"


@pytest.mark.parametrize("base", ["http://localhost:11434", "http://localhost:11434/v1"])
def test_ollama_is_reached_on_its_openai_endpoint(base: str) -> None:
    assert chat_url("ollama", base) == "http://localhost:11434/v1/chat/completions"


@pytest.mark.parametrize(
    "base",
    [
        "https://r.openai.azure.com",
        "https://r.openai.azure.com/",
        "https://r.openai.azure.com/openai",
        "https://r.openai.azure.com/openai/deployments/other/chat/completions?api-version=2023-05-15",
    ],
)
def test_azure_names_the_deployment_and_the_version(base: str) -> None:
    url = chat_url("azure", base, "dep loy/ment", "2024-10-21")

    assert url == (
        "https://r.openai.azure.com/openai/deployments/dep%20loy%2Fment/chat/completions"
        "?api-version=2024-10-21"
    )


@pytest.mark.parametrize(
    ("base", "version"),
    [("https://r.openai.azure.com", "v1"), ("https://r.openai.azure.com/openai/v1/", None)],
)
def test_azures_unversioned_api_has_openais_layout(base: str, version: str | None) -> None:
    assert chat_url("azure", base, "d", version) == "https://r.openai.azure.com/openai/v1/chat/completions"


def test_azure_has_a_default_version() -> None:
    assert chat_url("azure", "https://r.openai.azure.com").endswith("?api-version=2025-02-01-preview")


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (
            "https://r.services.ai.azure.com/models",
            "https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
        ),
        (
            "https://m.eastus.models.ai.azure.com",
            "https://m.eastus.models.ai.azure.com/v1/chat/completions",
        ),
        (
            "https://r.services.ai.azure.com/openai/v1",
            "https://r.services.ai.azure.com/openai/v1/chat/completions",
        ),
    ],
)
def test_azure_ai_knows_foundry_and_serverless_addresses(base: str, url: str) -> None:
    assert chat_url("azure_ai", base) == url


@pytest.mark.parametrize("base", ["api.openai.com/v1", "ftp://x/v1", "https://", "file:///etc/passwd"])
def test_an_address_that_is_not_http_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="not an http"):
        chat_url("openai", base)
