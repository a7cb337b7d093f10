import msgspec
import pytest

from gateway.catalog.deployments import build_deployment
from gateway.catalog.price_book import PriceBook
from gateway.catalog.providers import PROVIDERS
from gateway.catalog.unsupported import UNSUPPORTED, build_param_rules, find_unsupported
from gateway.settings import LitellmSettings, ModelEntry, Settings


def build(book: PriceBook, settings: Settings, info: dict[str, object] | None = None, **params: object):
    entry = ModelEntry(
        model_name="name", litellm_params=params, model_info=info or {}, key_path="model_list[0]"
    )
    return build_deployment(entry, settings, book, {}, now_nanos=0)


def test_every_row_is_a_provider_and_its_parameters_are_whole_words():
    assert UNSUPPORTED.keys() <= PROVIDERS.keys()
    assert all(name.isidentifier() for names in UNSUPPORTED.values() for name in names)


@pytest.mark.parametrize(
    ("provider", "model", "lacks", "takes"),
    [
        ("groq", "llama-3.3-70b", "logit_bias", "temperature"),
        ("openai", "gpt-4o", None, "logit_bias"),
        ("openai", "o3-mini", "temperature", "tools"),
        ("openai", "o1-mini", None, "temperature"),
        ("openai", "gpt-5-mini", "stop", "tools"),
        ("openai", "gpt-5-chat-latest", None, "temperature"),
        ("openai", "gpt-5.2", "logit_bias", "temperature"),
        ("openai", "text-embedding-ada-002", "dimensions", "user"),
        ("openai", "text-embedding-3-small", None, "dimensions"),
        ("xai", "grok-4", "stop", "tools"),
        ("xai", "grok-3", "audio", "stop"),
        ("nobody", "gpt-5", None, "temperature"),
    ],
)
def test_families_of_models_lack_what_their_provider_says(provider, model, lacks, takes):
    found = find_unsupported(provider, model)
    assert lacks is None or lacks in found
    assert takes not in found


def test_what_is_not_dropped_is_refused_and_users_are_dropped_without_a_word():
    unsupported, unwanted = frozenset({"seed", "user", "stop"}), frozenset({"stop", "tools"})
    rules = build_param_rules(unsupported, unwanted, does_drop=False)
    assert (rules.dropped, rules.refused) == ({"user", "stop", "tools"}, {"seed"})
    rules = build_param_rules(unsupported, unwanted, does_drop=True)
    assert (rules.dropped, rules.refused) == ({"seed", "user", "stop", "tools"}, frozenset())


@pytest.mark.parametrize(
    ("everywhere", "here", "drops"),
    [
        (False, {}, False),
        (True, {}, True),
        (False, {"drop_params": True}, True),
        (True, {"drop_params": False}, False),
    ],
)
def test_a_deployments_own_word_on_dropping_wins(
    price_book: PriceBook, everywhere, here, drops, settings: Settings
):
    told = msgspec.structs.replace(settings, litellm=LitellmSettings(drop_params=everywhere))
    deployment = build(price_book, told, model="groq/x", api_key="k", **here).deployment
    assert ("logit_bias" in deployment.dropped_params) is drops
    assert ("logit_bias" in deployment.refused_params) is not drops


def test_allowed_parameters_are_neither_refused_nor_dropped(price_book: PriceBook, settings: Settings):
    deployment = build(
        price_book, settings, model="groq/x", api_key="k", allowed_openai_params=["logit_bias"]
    ).deployment
    assert deployment.refused_params == {"logprobs", "top_logprobs"}
    assert "allowed_openai_params" not in deployment.defaults
    assert "drop_params" not in deployment.defaults


@pytest.mark.parametrize(
    ("model", "info"),
    [("azure/o_series/mine", {}), ("azure/mine", {"base_model": "azure/o3-mini"}), ("azure/o3", {})],
)
def test_azures_names_of_deployments_tell_their_family_otherwise(
    price_book: PriceBook, settings: Settings, model, info
):
    built = build(price_book, settings, info=info, model=model, api_key="k", api_base="https://r.example")
    assert "temperature" in built.deployment.refused_params


def test_a_path_in_dropped_parameters_is_noticed(price_book: PriceBook, settings: Settings):
    built = build(
        price_book, settings, model="openai/x", api_key="k", additional_drop_params=["tools[*].x", "seed"]
    )
    assert [notice.path for notice in built.notices] == [
        "model_list[0].litellm_params.additional_drop_params"
    ]
