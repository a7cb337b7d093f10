from collections.abc import Callable

import pytest

from gateway.catalog import Catalog
from gateway.domain import Endpoint
from gateway.errors import ConfigError
from gateway.settings import RouterSettings

Build = Callable[..., Catalog]
_GROQ: dict[str, object] = {"model": "groq/*"}
_ANY: dict[str, object] = {"model": "*"}
_KEYS = {"GROQ_API_KEY": "groq-key", "OPENAI_API_KEY": "openai-key"}


def upstream_of(catalog: Catalog, name: str) -> str | None:
    """The provider and its name of the model, for a name with one deployment."""
    group = catalog.find(name)
    if group is None:
        return None
    (deployment,) = group.deployments
    return f"{deployment.provider}:{deployment.model}"


def test_deployments_of_one_name_are_a_group_in_the_configured_order(catalog_of: Build) -> None:
    catalog = catalog_of(
        ("m", {"model": "mock/a"}), ("other", {"model": "mock/x"}), ("m", {"model": "mock/b"})
    )

    group = catalog.find("m")

    assert group is not None
    assert group.name == "m"
    assert [deployment.model for deployment in group.deployments] == ["a", "b"]
    assert len(catalog.deployments()) == 3


def test_a_name_that_nobody_configured_leads_nowhere(catalog_of: Build) -> None:
    assert catalog_of(("m", {"model": "mock/a"})).find("x") is None


def test_an_alias_leads_to_the_group_of_its_target(catalog_of: Build) -> None:
    router = RouterSettings(
        model_group_alias={"short": "long", "secret": "long"}, hidden_aliases=frozenset({"secret"})
    )
    catalog = catalog_of(("long", {"model": "mock/a"}), router=router)

    assert catalog.find("short") == catalog.find("long") == catalog.find("secret")
    assert catalog.names() == ("long", "short")


def test_an_alias_of_nothing_is_reported(catalog_of: Build) -> None:
    router = RouterSettings(model_group_alias={"short": "gone"})
    catalog = catalog_of(("m", {"model": "mock/a"}), router=router)

    assert catalog.find("short") is None
    assert [notice.path for notice in catalog.notices] == ["router_settings.model_group_alias.short"]


def test_an_alias_may_lead_to_a_name_that_a_wildcard_covers(catalog_of: Build) -> None:
    router = RouterSettings(model_group_alias={"fast": "groq/llama"})
    catalog = catalog_of(("groq/*", _GROQ), router=router, environ=_KEYS)

    group = catalog.find("fast")

    assert group is not None
    assert group.name == "groq/llama"
    assert catalog.notices == ()


def test_the_text_of_a_star_becomes_the_upstream_model(catalog_of: Build) -> None:
    catalog = catalog_of(("groq/*", _GROQ), ("team-*", {"model": "mock/*"}), environ=_KEYS)

    assert upstream_of(catalog, "groq/llama-3.3-70b-versatile") == "groq:llama-3.3-70b-versatile"
    assert upstream_of(catalog, "team-a") == "mock:a"
    assert upstream_of(catalog, "team") is None


def test_a_wildcards_deployment_is_priced_and_addressed_by_its_own_name(catalog_of: Build) -> None:
    azure = {"model": "azure/*", "api_base": "https://r.openai.azure.com", "api_key": "k"}
    group = catalog_of(("azure/*", azure)).find("azure/gpt-4o")

    assert group is not None
    (deployment,) = group.deployments
    assert "/openai/deployments/gpt-4o/" in deployment.urls[Endpoint.CHAT]
    assert deployment.price is not None
    assert deployment.group == "azure/gpt-4o"


def test_a_wildcards_deployments_keep_the_id_of_their_item(catalog_of: Build) -> None:
    catalog = catalog_of(("groq/*", _GROQ), environ=_KEYS)
    group = catalog.find("groq/llama")

    assert group is not None
    assert catalog.find_deployment(group.deployments[0].id) == catalog.wildcard_deployments()[0]
    assert catalog.deployments() == ()


def test_an_exact_name_wins_over_a_wildcard(catalog_of: Build) -> None:
    catalog = catalog_of(("groq/*", _GROQ), ("groq/llama", {"model": "mock/own"}), environ=_KEYS)

    assert upstream_of(catalog, "groq/llama") == "mock:own"


def test_all_items_of_one_wildcard_answer(catalog_of: Build) -> None:
    two = ("x/*", {"model": "mock/a-*"}), ("x/*", {"model": "mock/b-*"})
    group = catalog_of(*two).find("x/1")

    assert group is not None
    assert [deployment.model for deployment in group.deployments] == ["a-1", "b-1"]


def test_wildcards_are_listed_apart(catalog_of: Build) -> None:
    catalog = catalog_of(("*", _ANY), ("groq/*", _GROQ), ("m", {"model": "mock/a"}), environ=_KEYS)

    assert catalog.names() == ("m",)
    assert catalog.wildcard_names() == ("groq/*", "*")


def test_a_star_for_everything_finds_the_provider_in_the_name(catalog_of: Build) -> None:
    catalog = catalog_of(("*", _ANY), environ=_KEYS)

    assert upstream_of(catalog, "gpt-4o") == "openai:gpt-4o"
    assert upstream_of(catalog, "groq/llama") == "groq:llama"


@pytest.mark.parametrize(
    "name",
    [
        "ollama/llama3",
        "lm_studio/x",
        "mock/gpt-4o",
        "deepseek/x",
        "litellm_proxy/x",
        "hosted_vllm/x",
        "nothing",
    ],
)
def test_a_star_for_everything_does_not_let_callers_choose_what_has_no_key(
    catalog_of: Build, name: str
) -> None:
    assert catalog_of(("*", _ANY), environ=_KEYS).find(name) is None


def test_a_key_of_a_star_for_everything_goes_to_nobody_but_openai(catalog_of: Build) -> None:
    catalog = catalog_of(("*", {"model": "*", "api_key": "sk-openai"}), environ=_KEYS)

    assert upstream_of(catalog, "gpt-4o") == "openai:gpt-4o"
    assert catalog.find("groq/llama") is None


def test_a_mistake_in_a_wildcards_item_stops_the_build(catalog_of: Build) -> None:
    with pytest.raises(ConfigError) as caught:
        catalog_of(("*", {"model": "*", "rpm": "many"}))

    assert caught.value.path == "model_list[0].litellm_params.rpm"


def test_names_that_callers_invent_are_kept_within_a_bound(
    catalog_of: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.catalog.expansions._MAXIMUM_EXPANSIONS", 3)
    catalog = catalog_of(("x/*", {"model": "mock/*"}))

    for number in range(10):
        assert upstream_of(catalog, f"x/{number}") == f"mock:{number}"

    assert list(catalog._contents.expansions._kept) == ["x/7", "x/8", "x/9"]
    assert catalog.find("x/" + "a" * 300) is None


def test_equal_items_get_ids_of_their_own(catalog_of: Build) -> None:
    same = ("m", {"model": "mock/a"})
    catalog = catalog_of(same, same, same)
    first, second, third = (deployment.id for deployment in catalog.deployments())

    assert (second, third) == (f"{first}-2", f"{first}-3")
    assert catalog.find_deployment(second) is catalog.deployments()[1]


def test_one_id_configured_twice_is_refused(catalog_of: Build) -> None:
    with pytest.raises(ConfigError) as caught:
        catalog_of(
            ("a", {"model": "mock/a"}),
            ("b", {"model": "mock/b"}),
            infos={"a": {"id": "one"}, "b": {"id": "one"}},
        )

    assert caught.value.path == "model_list[1].model_info.id"


def test_a_model_without_a_price_is_reported(catalog_of: Build) -> None:
    azure: dict[str, object] = {"model": "azure/prod", "api_key": "k", "api_base": "https://r.example"}

    silent = catalog_of(("m", azure), infos={"m": {"base_model": "azure/gpt-4o"}})
    reported = catalog_of(("m", azure))

    assert silent.notices == ()
    assert "no price is known for 'azure/prod'" in reported.notices[0].message


def test_a_price_is_looked_up_again_once_its_time_is_over(catalog_of: Build) -> None:
    """DeepSeek's snapshot prices depend on the time of day; the fixture's clock shows noon UTC."""
    catalog = catalog_of(("m", {"model": "deepseek/deepseek-chat", "api_key": "k"}))
    (deployment,) = catalog.deployments()
    by_day = deployment.price
    assert by_day is not None
    assert by_day.valid_until_nanos is not None

    until = by_day.valid_until_nanos
    by_night = catalog.price_of(deployment, until)

    assert catalog.price_of(deployment, until - 1) is by_day
    assert by_night is not None
    assert by_night.valid_until_nanos is not None
    assert by_night.valid_until_nanos > until
    assert (by_night.tiers[0].input, by_day.tiers[0].input) == (135_000_000, 270_000_000)
    assert catalog.price_of(deployment, until + 1) is by_night


def test_a_wildcards_price_is_looked_up_again_too(catalog_of: Build) -> None:
    catalog = catalog_of(("deepseek/*", {"model": "deepseek/*", "api_key": "k"}))
    group = catalog.find("deepseek/deepseek-chat")
    assert group is not None
    (deployment,) = group.deployments
    assert deployment.price is not None

    renewed = catalog.price_of(deployment, deployment.price.valid_until_nanos or 0)

    assert renewed is not None
    assert renewed.tiers[0].input == 135_000_000


def test_a_name_is_free_where_every_deployment_is_known_to_cost_nothing(catalog_of: Build) -> None:
    nothing = {"input_cost_per_token": 0, "output_cost_per_token": 0}
    catalog = catalog_of(
        ("free", {"model": "mock/a", **nothing}),
        ("free", {"model": "mock/b", **nothing}),
        ("mixed", {"model": "mock/a", **nothing}),
        ("mixed", {"model": "mock/b", "input_cost_per_token": 1e-9, "output_cost_per_token": 0}),
        ("unpriced", {"model": "openai/nobody-knows-it", "api_key": "k"}),
    )
    names = ("free", "mixed", "unpriced", "unknown")
    for _ in range(2):
        assert [catalog.is_free(name, 0) for name in names] == [True, False, False, False]
