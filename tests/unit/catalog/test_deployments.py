from collections.abc import Mapping

import msgspec
import pytest

from gateway.catalog.deployments import BuiltDeployment, build_deployment
from gateway.catalog.price_book import PriceBook
from gateway.domain import Deployment, Endpoint, OnDisconnect, Secret
from gateway.errors import ConfigError
from gateway.settings import Credential, LitellmSettings, ModelEntry, RouterSettings, Settings

_KEY = "sk-very-secret"


def build(
    book: PriceBook,
    settings: Settings,
    *,
    info: dict[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    **params: object,
) -> BuiltDeployment:
    entry = ModelEntry(
        model_name="name", litellm_params=params, model_info=info or {}, key_path="model_list[0]"
    )
    return build_deployment(entry, settings, book, environ or {}, now_nanos=0)


def header(deployment: Deployment, name: str) -> str | None:
    value = deployment.headers.get(name)
    return value.reveal() if value is not None else None


def test_a_key_becomes_a_bearer_token(price_book: PriceBook, settings: Settings) -> None:
    built = build(price_book, settings, model="openai/gpt-4o", api_key=_KEY)

    assert header(built.deployment, "authorization") == f"Bearer {_KEY}"
    assert built.notices == ()


def test_azure_gets_its_key_in_its_own_header(price_book: PriceBook, settings: Settings) -> None:
    built = build(price_book, settings, model="azure/d", api_key=_KEY, api_base="https://r.openai.azure.com")

    assert {name: value.reveal() for name, value in built.deployment.headers.items()} == {"api-key": _KEY}


def test_an_azure_token_is_sent_instead_of_the_key(price_book: PriceBook, settings: Settings) -> None:
    built = build(
        price_book, settings, model="azure/d", azure_ad_token="t", api_base="https://r.openai.azure.com"
    )

    assert header(built.deployment, "authorization") == "Bearer t"
    assert built.notices == ()


def test_azures_series_is_no_part_of_the_deployments_name(price_book: PriceBook, settings: Settings) -> None:
    built = build(price_book, settings, model="azure/o_series/d", api_key="k", api_base="https://r.example")

    assert built.deployment.model == "d"
    assert "/openai/deployments/d/" in built.deployment.urls[Endpoint.CHAT]


@pytest.mark.parametrize("variable", ["TOGETHER_API_KEY", "TOGETHERAI_API_KEY"])
def test_a_missing_key_comes_from_the_providers_variables(
    price_book: PriceBook, settings: Settings, variable: str
) -> None:
    built = build(price_book, settings, model="together_ai/m", environ={variable: _KEY})

    assert header(built.deployment, "authorization") == f"Bearer {_KEY}"


def test_a_key_that_is_nowhere_is_reported_and_the_deployment_kept(
    price_book: PriceBook, settings: Settings
) -> None:
    built = build(price_book, settings, model="groq/m", api_key=None)

    assert built.deployment.headers == {}
    assert [notice.path for notice in built.notices] == ["model_list[0].litellm_params.api_key"]
    assert "GROQ_API_KEY" in built.notices[0].message


@pytest.mark.parametrize(
    "params",
    [
        {"model": "mock/m"},
        {"model": "ollama/m"},
        {"model": "groq/m", "mock_response": "hi"},
        {"model": "hosted_vllm/m", "api_base": "http://localhost:8000/v1"},
    ],
)
def test_a_key_that_nobody_needs_is_not_missed(
    price_book: PriceBook, settings: Settings, params: dict[str, object]
) -> None:
    assert build(price_book, settings, **params).notices == ()


def test_an_address_comes_from_the_providers_variable(price_book: PriceBook, settings: Settings) -> None:
    built = build(
        price_book, settings, model="openai/m", api_key="k", environ={"OPENAI_BASE_URL": "http://proxy/v1"}
    )

    assert built.deployment.urls[Endpoint.CHAT] == "http://proxy/v1/chat/completions"


def test_the_configured_address_wins_over_the_environment(price_book: PriceBook, settings: Settings) -> None:
    built = build(
        price_book,
        settings,
        model="openai/m",
        base_url="https://own.example/v1",
        environ={"OPENAI_BASE_URL": "http://proxy/v1", "OPENAI_API_KEY": "k"},
    )

    assert built.deployment.api_base == "https://own.example/v1"


def test_nothing_that_is_shown_contains_a_secret(price_book: PriceBook, settings: Settings) -> None:
    built = build(
        price_book,
        settings,
        model="openai/gpt-4o",
        api_key=_KEY,
        organization="org-1",
        extra_headers={"X-Token": _KEY},
    )

    assert _KEY not in repr(built)
    assert _KEY not in str(built.deployment.headers)
    assert _KEY not in built.deployment.id


def test_added_headers_win_over_the_providers(price_book: PriceBook, settings: Settings) -> None:
    built = build(
        price_book,
        settings,
        model="openai/m",
        api_key="k",
        organization="org-1",
        extra_headers={"Authorization": "Basic x", "X-Number": 7},
    )

    assert header(built.deployment, "authorization") == "Basic x"
    assert header(built.deployment, "x-number") == "7"
    assert header(built.deployment, "openai-organization") == "org-1"


def test_a_header_with_a_line_break_is_refused(price_book: PriceBook, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="line breaks"):
        build(price_book, settings, model="mock/m", extra_headers={"x-a": "1\r\nx-b: 2"})


def test_other_members_are_defaults_of_the_body(price_book: PriceBook, settings: Settings) -> None:
    built = build(
        price_book,
        settings,
        model="openai/m",
        api_key="k",
        temperature=0.2,
        max_tokens=100,
        rpm=5,
        aws_region_name="x",
        input_cost_per_token=1e-6,
        seed=None,
        extra_body={"chat_template_kwargs": {"thinking": True}},
    )

    decoded = {name: msgspec.json.decode(raw) for name, raw in built.deployment.defaults.items()}
    assert decoded == {
        "temperature": 0.2,
        "max_tokens": 100,
        "chat_template_kwargs": {"thinking": True},
    }


def test_routing_members_are_read(price_book: PriceBook, settings: Settings) -> None:
    deployment = build(
        price_book,
        settings,
        model="mock/m",
        rpm=10,
        tpm="2000",
        max_parallel_requests=3,
        timeout=5,
        stream_timeout=7.5,
        max_retries=0,
        weight=0.25,
        order=2,
        tags=["a", "b"],
        region_name="eu",
        cooldown_time=30,
        mock_response="hi",
        additional_drop_params=["seed"],
        on_disconnect="cancel",
        info={"mode": "embedding", "access_groups": ["g"], "max_output_tokens": 99},
    ).deployment

    assert (deployment.rpm, deployment.tpm, deployment.max_parallel_requests) == (10, 2000, 3)
    assert (deployment.timeout_seconds, deployment.stream_timeout_seconds) == (5.0, 7.5)
    assert (deployment.max_retries, deployment.weight, deployment.order) == (0, 0.25, 2)
    assert (deployment.tags, deployment.region, deployment.cooldown_seconds) == (("a", "b"), "eu", 30.0)
    assert (deployment.mode, deployment.access_groups, deployment.max_output_tokens) == (
        "embedding",
        ("g",),
        99,
    )
    assert deployment.dropped_params == {"seed"}
    assert deployment.mock_response == "hi"
    assert deployment.on_disconnect is OnDisconnect.CANCEL


def test_timeouts_fall_back_to_the_router_and_then_to_the_gateway(
    price_book: PriceBook, settings: Settings
) -> None:
    general = msgspec.structs.replace(settings, litellm=LitellmSettings(request_timeout=44.0))
    router = msgspec.structs.replace(general, router=RouterSettings(timeout=33.0, stream_timeout=22.0))

    plain = build(price_book, general, model="mock/m").deployment
    routed = build(price_book, router, model="mock/m").deployment

    assert (plain.timeout_seconds, plain.stream_timeout_seconds) == (44.0, 44.0)
    assert (routed.timeout_seconds, routed.stream_timeout_seconds) == (33.0, 22.0)


def test_a_named_credential_is_filled_in_and_the_item_wins(price_book: PriceBook, settings: Settings) -> None:
    credential = Credential(
        name="shared", values={"api_key": Secret(_KEY), "api_base": Secret("https://a.example/v1")}
    )
    filled = msgspec.structs.replace(settings, credentials={"shared": credential})

    built = build(
        price_book,
        filled,
        model="openai/m",
        litellm_credential_name="shared",
        api_base="https://b.example/v1",
    )

    assert header(built.deployment, "authorization") == f"Bearer {_KEY}"
    assert built.deployment.api_base == "https://b.example/v1"
    assert built.deployment.defaults == {}


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({}, "litellm_params.model"),
        ({"model": "nobody-knows"}, "litellm_params.model"),
        ({"model": "nobody/knows"}, "litellm_params.model"),
        ({"model": "m", "custom_llm_provider": "nobody"}, "litellm_params.custom_llm_provider"),
        ({"model": "azure/d"}, "litellm_params.api_base"),
        ({"model": "hosted_vllm/m"}, "litellm_params.api_base"),
        ({"model": "openai/m", "api_base": "localhost:8000"}, "litellm_params.api_base"),
        ({"model": "openai/m", "api_key": ["k"]}, "litellm_params.api_key"),
        ({"model": "mock/m", "rpm": "many"}, "litellm_params.rpm"),
        ({"model": "mock/m", "rpm": True}, "litellm_params.rpm"),
        ({"model": "mock/m", "rpm": 1.5}, "litellm_params.rpm"),
        ({"model": "mock/m", "weight": -1}, "litellm_params.weight"),
        ({"model": "mock/m", "timeout": float("inf")}, "litellm_params.timeout"),
        ({"model": "mock/m", "timeout": 10**400}, "litellm_params.timeout"),
        ({"model": "mock/m", "tags": {"a": 1}}, "litellm_params.tags"),
        ({"model": "mock/m", "tags": [1]}, "litellm_params.tags"),
        ({"model": "mock/m", "extra_headers": "x"}, "litellm_params.extra_headers"),
        ({"model": "mock/m", "on_disconnect": "wait"}, "litellm_params.on_disconnect"),
        ({"model": "mock/m", "temperature": object()}, "litellm_params.temperature"),
        ({"model": "mock/m", "litellm_credential_name": "x"}, "litellm_params.litellm_credential_name"),
        ({"model": "mock/m", "input_cost_per_token": -1e-6}, "litellm_params.input_cost_per_token"),
        ({"model": "mock/m", "input_cost_per_token": "dear"}, "litellm_params.input_cost_per_token"),
        ({"model": "mock/m", "output_cost_per_token": float("nan")}, "litellm_params.output_cost_per_token"),
        ({"model": "mock/m", "output_cost_per_token": float("inf")}, "litellm_params.output_cost_per_token"),
    ],
)
def test_a_wrong_member_is_refused_with_its_key_path(
    price_book: PriceBook, settings: Settings, params: dict[str, object], path: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build(price_book, settings, **params)

    assert caught.value.path == f"model_list[0].{path}"


def test_a_missing_prefix_names_the_known_ones(price_book: PriceBook, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="groq") as caught:
        build(price_book, settings, model="llama-3.3-70b")

    assert "azure" in caught.value.allowed


def test_an_error_never_shows_a_value_that_may_be_secret(price_book: PriceBook, settings: Settings) -> None:
    with pytest.raises(ConfigError) as caught:
        build(price_book, settings, model="openai/m", api_base=_KEY)

    assert _KEY not in str(caught.value)


def test_prices_in_seconds_are_reported(price_book: PriceBook, settings: Settings) -> None:
    built = build(price_book, settings, model="mock/m", input_cost_per_second=0.1)

    assert [notice.path for notice in built.notices] == ["model_list[0].litellm_params.input_cost_per_second"]


def test_an_id_is_stable_and_tells_items_apart(price_book: PriceBook, settings: Settings) -> None:
    first = build(price_book, settings, model="mock/a").deployment.id

    assert first == build(price_book, settings, model="mock/a").deployment.id
    assert first != build(price_book, settings, model="mock/b").deployment.id
    assert build(price_book, settings, model="mock/a", info={"id": "mine"}).deployment.id == "mine"


def test_a_model_of_the_bundled_prices_brings_its_context(price_book: PriceBook, settings: Settings) -> None:
    deployment = build(price_book, settings, model="openai/gpt-4o", api_key="k").deployment

    assert deployment.max_input_tokens == 128_000
    assert deployment.price is not None
    assert deployment.price.source == "genai-prices"
