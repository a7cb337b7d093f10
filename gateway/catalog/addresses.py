"""The complete addresses of a deployment, from its base address and its provider's way of building paths."""

from urllib.parse import quote, urlsplit

from gateway.catalog.providers import MOCK, PathStyle, Provider
from gateway.domain import MODEL_ENDPOINTS, Endpoint

__all__ = ["AZURE_AI_API_VERSION", "AZURE_API_VERSION", "build_urls"]

AZURE_API_VERSION = "2025-02-01-preview"
"""The API version of Azure OpenAI where the configuration names none."""
AZURE_AI_API_VERSION = "2024-05-01-preview"
"""The API version of Azure AI Foundry's model inference API where the configuration names none."""
_UNVERSIONED = frozenset({"v1", "latest", "preview"})


def build_urls(provider: Provider, base: str, model: str, api_version: str | None) -> dict[Endpoint, str]:
    """Return the address per endpoint; raises ValueError when the base is not an http(s) address."""
    if provider.prefix == MOCK:
        return {endpoint: f"mock:{endpoint.value}" for endpoint in MODEL_ENDPOINTS}
    base = _clean(base)
    if provider.path_style is PathStyle.AZURE:
        return _azure_urls(base, model, api_version)
    if provider.path_style is PathStyle.AZURE_AI:
        return _azure_ai_urls(base, api_version)
    if not base.endswith(provider.base_suffix):
        base += provider.base_suffix
    return {endpoint: f"{base}/{endpoint.value}" for endpoint in MODEL_ENDPOINTS}


def _clean(base: str) -> str:
    """The base without a trailing slash or endpoint, as people paste them."""
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("not an http or https address")
    cleaned = base.strip().partition("?")[0].partition("#")[0].rstrip("/")
    for endpoint in MODEL_ENDPOINTS:
        cleaned = cleaned.removesuffix(f"/{endpoint.value}")
    return cleaned


def _azure_urls(base: str, model: str, api_version: str | None) -> dict[Endpoint, str]:
    """Azure's versioned paths name the deployment; its `/openai/v1` is OpenAI's own layout."""
    if base.endswith("/openai/v1"):
        return {endpoint: f"{base}/{endpoint.value}" for endpoint in MODEL_ENDPOINTS}
    root = base.partition("/openai/deployments/")[0].removesuffix("/openai")
    if api_version in _UNVERSIONED:
        return {endpoint: f"{root}/openai/v1/{endpoint.value}" for endpoint in MODEL_ENDPOINTS}
    path = f"{root}/openai/deployments/{quote(model, safe='')}"
    query = f"api-version={quote(api_version or AZURE_API_VERSION, safe='')}"
    urls = {endpoint: f"{path}/{endpoint.value}?{query}" for endpoint in MODEL_ENDPOINTS}
    # It has no path that names the deployment: the body does.
    return urls | {Endpoint.RESPONSES: f"{root}/openai/v1/{Endpoint.RESPONSES.value}"}


def _azure_ai_urls(base: str, api_version: str | None) -> dict[Endpoint, str]:
    """Foundry resources have `/models/...`, serverless endpoints OpenAI's layout under `/v1`."""
    if base.endswith("/v1"):
        return {endpoint: f"{base}/{endpoint.value}" for endpoint in MODEL_ENDPOINTS}
    host = urlsplit(base).hostname or ""
    if not host.endswith((".services.ai.azure.com", ".cognitiveservices.azure.com")):
        return {endpoint: f"{base}/v1/{endpoint.value}" for endpoint in MODEL_ENDPOINTS}
    query = f"api-version={quote(api_version or AZURE_AI_API_VERSION, safe='')}"
    root = base.removesuffix("/models")
    urls = {endpoint: f"{root}/models/{endpoint.value}?{query}" for endpoint in MODEL_ENDPOINTS}
    return urls | {Endpoint.RESPONSES: f"{root}/openai/v1/{Endpoint.RESPONSES.value}"}
