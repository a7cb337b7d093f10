"""The providers that speak the OpenAI dialect, as data: addresses, variables, how a key is sent, quirks."""

from enum import StrEnum
from types import MappingProxyType

import msgspec

__all__ = ["LOCAL_PROVIDERS", "MOCK", "PROVIDERS", "KeyStyle", "PathStyle", "Provider"]


class KeyStyle(StrEnum):
    """In which header a provider wants its key."""

    BEARER = "Authorization: Bearer"
    API_KEY = "api-key"


class PathStyle(StrEnum):
    """How the address of an endpoint is made from the base address."""

    OPENAI = "openai"
    """`<base>/<endpoint>`"""
    AZURE = "azure"
    """`<base>/openai/deployments/<model>/<endpoint>?api-version=<version>`"""
    AZURE_AI = "azure_ai"
    """`<base>/models/<endpoint>?api-version=<version>` on Foundry, `<base>/v1/<endpoint>` elsewhere."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    `prefix` stands before the model name (`groq/llama-3.3-70b`). `base` None means that the configuration
    has to say `api_base`. `key_variables` and `base_variables` are environment variables, the first that is
    set wins. `base_suffix` is appended to a base address that lacks it. `is_key_optional` says that a missing
    key is normal. `price_source` is the provider's name in genai-prices; an empty one means that the price
    follows the model's name. `does_stream_usage` says whether `stream_options` is understood. `home` is put
    before a name without a slash, for the provider knows its models by longer ones.
    """

    prefix: str
    base: str | None = None
    key_variables: tuple[str, ...] = ()
    base_variables: tuple[str, ...] = ()
    base_suffix: str = ""
    key_style: KeyStyle = KeyStyle.BEARER
    path_style: PathStyle = PathStyle.OPENAI
    is_key_optional: bool = False
    does_stream_usage: bool = True
    price_source: str = ""
    home: str = ""
    headers: tuple[tuple[str, str], ...] = ()


MOCK = "mock"
"""The prefix of the built-in provider that answers without any upstream."""


def _row(prefix: str, base: str | None, *keys: str, bases: str = "", prices: str = "") -> Provider:
    """A provider without peculiarities; `bases` are variables with spaces between them."""
    return Provider(
        prefix=prefix,
        base=base,
        key_variables=keys,
        base_variables=tuple(bases.split()),
        price_source=prices,
    )


_replace = msgspec.structs.replace

_HOSTED = (
    _row("openai", "https://api.openai.com/v1", "OPENAI_API_KEY",
         bases="OPENAI_BASE_URL OPENAI_API_BASE", prices="openai"),
    _row("text-completion-openai", "https://api.openai.com/v1", "OPENAI_API_KEY",
         bases="OPENAI_BASE_URL OPENAI_API_BASE", prices="openai"),
    _replace(
        _row("azure", None, "AZURE_API_KEY", "AZURE_OPENAI_API_KEY", bases="AZURE_API_BASE", prices="azure"),
        path_style=PathStyle.AZURE, key_style=KeyStyle.API_KEY),
    _replace(
        _row("azure_ai", None, "AZURE_AI_API_KEY", bases="AZURE_AI_API_BASE", prices="azure"),
        path_style=PathStyle.AZURE_AI, key_style=KeyStyle.API_KEY),
    _replace(
        _row("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY",
             bases="ANTHROPIC_API_BASE ANTHROPIC_BASE_URL", prices="anthropic"),
        base_suffix="/v1"),
    _row("gemini", "https://generativelanguage.googleapis.com/v1beta/openai",
         "GEMINI_API_KEY", "GOOGLE_API_KEY",
         bases="GEMINI_API_BASE", prices="google"),
    _row("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", bases="GROQ_API_BASE", prices="groq"),
    _row("together_ai", "https://api.together.xyz/v1",
         "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN",
         bases="TOGETHER_AI_API_BASE", prices="together"),
    _replace(
        _row("fireworks_ai", "https://api.fireworks.ai/inference/v1",
             "FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN",
             bases="FIREWORKS_API_BASE", prices="fireworks"),
        home="accounts/fireworks/models/",
    ),
    _row("deepseek", "https://api.deepseek.com/beta", "DEEPSEEK_API_KEY",
         bases="DEEPSEEK_API_BASE", prices="deepseek"),
    _replace(
        _row("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY",
             bases="MISTRAL_AZURE_API_BASE MISTRAL_API_BASE", prices="mistral"),
        does_stream_usage=False),
    _replace(
        _row("codestral", "https://codestral.mistral.ai/v1", "CODESTRAL_API_KEY",
             bases="CODESTRAL_API_BASE", prices="mistral"),
        does_stream_usage=False),
    _row("xai", "https://api.x.ai/v1", "XAI_API_KEY", bases="XAI_API_BASE", prices="x-ai"),
    _row("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "OR_API_KEY",
         bases="OPENROUTER_API_BASE", prices="openrouter"),
    _replace(
        _row("perplexity", "https://api.perplexity.ai", "PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY",
             bases="PERPLEXITY_API_BASE", prices="perplexity"),
        does_stream_usage=False),
    _row("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY",
         bases="CEREBRAS_API_BASE", prices="cerebras"),
    _row("nvidia_nim", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY",
         bases="NVIDIA_NIM_API_BASE"),
    _row("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY",
         bases="SAMBANOVA_API_BASE", prices="huggingface_sambanova"),
    _row("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY", bases="DEEPINFRA_API_BASE"),
    _row("hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY",
         bases="HYPERBOLIC_API_BASE", prices="huggingface_hyperbolic"),
    _row("novita", "https://api.novita.ai/v3/openai", "NOVITA_API_KEY",
         bases="NOVITA_API_BASE", prices="novita"),
    _row("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY",
         bases="MOONSHOT_API_BASE", prices="moonshotai"),
    _row("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY",
         bases="DASHSCOPE_API_BASE"),
    _row("volcengine", "https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY", "ARK_API_KEY",
         bases="VOLCENGINE_API_BASE"),
    _row("nebius", "https://api.studio.nebius.ai/v1", "NEBIUS_API_KEY",
         bases="NEBIUS_API_BASE", prices="huggingface_nebius"),
    _row("baseten", "https://inference.baseten.co/v1", "BASETEN_API_KEY",
         bases="BASETEN_API_BASE", prices="baseten"),
    _row("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN", "HUGGINGFACE_API_KEY",
         bases="HF_API_BASE HUGGINGFACE_API_BASE"),
    _replace(
        _row("cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", "CO_API_KEY",
             bases="COHERE_API_BASE", prices="cohere"),
        does_stream_usage=False),
    _replace(
        _row("cohere_chat", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", "CO_API_KEY",
             bases="COHERE_API_BASE", prices="cohere"),
        does_stream_usage=False),
    _row("github", "https://models.inference.ai.azure.com", "GITHUB_API_KEY", bases="GITHUB_API_BASE"),
    _row("meta_llama", "https://api.llama.com/compat/v1", "LLAMA_API_KEY",
         bases="LLAMA_API_BASE", prices="meta"),
    _row("ai21_chat", "https://api.ai21.com/studio/v1", "AI21_API_KEY", bases="AI21_API_BASE"),
    _row("friendliai", "https://api.friendli.ai/serverless/v1", "FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN",
         bases="FRIENDLI_API_BASE"),
    _row("nscale", "https://inference.api.nscale.com/v1", "NSCALE_API_KEY",
         bases="NSCALE_API_BASE", prices="huggingface_nscale"),
    _row("featherless_ai", "https://api.featherless.ai/v1", "FEATHERLESS_API_KEY", "FEATHERLESS_AI_API_KEY",
         bases="FEATHERLESS_API_BASE"),
    _row("inception", "https://api.inceptionlabs.ai/v1", "INCEPTION_API_KEY", bases="INCEPTION_API_BASE"),
    _row("minimax", "https://api.minimax.io/v1", "MINIMAX_API_KEY",
         bases="MINIMAX_API_BASE", prices="minimax"),
    _row("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", bases="ZAI_API_BASE", prices="zai"),
    _row("v0", "https://api.v0.dev/v1", "V0_API_KEY", bases="V0_API_BASE"),
    _row("vercel_ai_gateway", "https://ai-gateway.vercel.sh/v1",
         "VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN",
         bases="VERCEL_AI_GATEWAY_API_BASE"),
    _row("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", "OVHCLOUD_API_KEY",
         bases="OVHCLOUD_API_BASE", prices="ovhcloud"),
    _row("scaleway", "https://api.scaleway.ai/v1", "SCW_SECRET_KEY"),
    _row("lambda_ai", "https://api.lambda.ai/v1", "LAMBDA_API_KEY", bases="LAMBDA_API_BASE"),
    _row("chutes", "https://llm.chutes.ai/v1", "CHUTES_API_KEY"),
)  # fmt: skip


def _local(prefix: str, base: str | None, *keys: str, bases: str, suffix: str = "") -> Provider:
    row = _row(prefix, base, *keys, bases=bases)
    return _replace(row, base_suffix=suffix, is_key_optional=True)


_SELF_HOSTED = (
    _local("hosted_vllm", None, "HOSTED_VLLM_API_KEY", bases="HOSTED_VLLM_API_BASE"),
    _local("vllm", None, "VLLM_API_KEY", bases="VLLM_API_BASE"),
    _local("ollama", "http://localhost:11434", "OLLAMA_API_KEY", bases="OLLAMA_API_BASE", suffix="/v1"),
    _local("ollama_chat", "http://localhost:11434", "OLLAMA_API_KEY", bases="OLLAMA_API_BASE", suffix="/v1"),
    _local("lm_studio", "http://localhost:1234/v1", "LM_STUDIO_API_KEY", bases="LM_STUDIO_API_BASE"),
    _local("llamafile", "http://127.0.0.1:8080/v1", "LLAMAFILE_API_KEY", bases="LLAMAFILE_API_BASE"),
    _local("docker_model_runner", "http://localhost:12434/engines/v1", "DOCKER_MODEL_RUNNER_API_KEY",
           bases="DOCKER_MODEL_RUNNER_API_BASE"),
    _local("xinference", "http://127.0.0.1:9997/v1", "XINFERENCE_API_KEY", bases="XINFERENCE_API_BASE"),
    _local("litellm_proxy", None, "LITELLM_PROXY_API_KEY", bases="LITELLM_PROXY_API_BASE"),
    _local("custom_openai", None, bases=""),
    _local("openai_like", None, "OPENAI_LIKE_API_KEY", bases="OPENAI_LIKE_API_BASE"),
    _local(MOCK, "mock:", bases=""),
)  # fmt: skip

PROVIDERS = MappingProxyType({row.prefix: row for row in (*_HOSTED, *_SELF_HOSTED)})
"""Every provider by its prefix."""

LOCAL_PROVIDERS = frozenset(row.prefix for row in _SELF_HOSTED) - {"litellm_proxy", "custom_openai", MOCK}
"""Prefixes of model servers that the operator runs: no price list speaks for them."""
