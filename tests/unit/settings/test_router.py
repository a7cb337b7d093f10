import pytest

from gateway.errors import ConfigError
from gateway.settings.known_keys import RETRY_POLICY, SECTIONS, Standing
from gateway.settings.router import ROUTER_READERS, SHARED_KEYS

MODELS = "model_list:\n" + "".join(
    f"- {{model_name: {name}, litellm_params: {{model: mock/{name}}}}}\n" for name in "abc"
)


@pytest.mark.parametrize("section", ["router_settings", "litellm_settings"])
@pytest.mark.parametrize("spelling", ["[{a: [b, c]}]", "{a: [b, c]}", "[{a: [b, c]}, {a: [x]}]"])
def test_fallbacks_are_read_in_every_spelling(load, section, spelling):
    settings = load(MODELS + f"{section}: {{fallbacks: {spelling}}}")
    assert settings.router.fallbacks == {"a": ("b", "c")}


def test_a_single_name_is_a_list_of_one(load):
    router = load(MODELS + "router_settings: {fallbacks: [{'*': b}], default_fallbacks: c}").router
    assert router.fallbacks == {"*": ("b",)}
    assert router.default_fallbacks == ("c",)


def test_the_router_section_wins_over_the_litellm_section(load):
    text = "litellm_settings: {num_retries: 1, allowed_fails: 4}\nrouter_settings: {num_retries: 5}\n"
    router = load(text).router
    assert (router.num_retries, router.allowed_fails) == (5, 4)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[b]", "default_fallbacks"),
        ("b", "Expected a list"),
        ("[{a: [{model: b}]}]", "parameters of its own"),
        ("[{a: {b: c}}]", "Expected a list"),
        ("[3]", "Expected a mapping"),
    ],
)
def test_other_fallbacks_are_refused(load, value, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load(f"router_settings:\n  fallbacks: {value}\n")
    assert caught.value.line == 2


def test_aliases_are_names_or_hidden_names(load):
    router = load(MODELS + "router_settings: {model_group_alias: {x: a, y: {model: b, hidden: true}}}").router
    assert router.model_group_alias == {"x": "a", "y": "b"}
    assert router.hidden_aliases == frozenset({"y"})


@pytest.mark.parametrize("value", ["{x: {hidden: true}}", "{x: {model: a, hiden: true}}", "{x: [a]}", "[a]"])
def test_other_aliases_are_refused(load, value):
    with pytest.raises(ConfigError):
        load(f"router_settings: {{model_group_alias: {value}}}")


def test_a_model_that_nobody_offers_is_told_with_its_place(load):
    text = """
litellm_settings:
  fallbacks:
  - a: [b]
  - aa: [b]
  - '*':
    - c
    - cc
router_settings: {model_group_alias: {x: yy}}
"""
    notices = load(MODELS + text).notices
    first = (MODELS + text).splitlines().index("litellm_settings:") + 1
    assert [(notice.path, notice.line, notice.message.split("'")[1]) for notice in notices] == [
        ("router_settings.model_group_alias", first + 7, "yy"),
        ("litellm_settings.fallbacks", first + 3, "aa"),
        ("litellm_settings.fallbacks", first + 6, "cc"),
    ]


def test_a_fallback_to_a_model_that_nobody_offers_is_told(load):
    text = MODELS + "- {model_name: 'openai/*', litellm_params: {model: 'openai/*'}}\n"
    notices = load(text + "router_settings: {fallbacks: [{a: [b, openai/x, zz]}]}").notices
    assert [notice.message for notice in notices] == [
        "The model 'zz' is named here, and no item of model_list offers it."
    ]


def test_retries_are_kept_by_error_class(load):
    router = load(
        "router_settings: {retry_policy: {RateLimitErrorRetries: 3, TimeoutErrorRetries: '2'}}"
    ).router
    assert router.retry_policy == {"RateLimitError": 3, "TimeoutError": 2}


def test_another_strategy_is_replaced_with_a_notice_and_an_unknown_one_refused(load):
    settings = load("router_settings: {routing_strategy: least-busy}")
    assert settings.router.routing_strategy == "simple-shuffle"
    assert "least-busy" in settings.notices[0].message
    with pytest.raises(ConfigError) as caught:
        load("router_settings: {routing_strategy: fastest}")
    assert "simple-shuffle" in caught.value.allowed


def test_times_may_be_durations(load):
    router = load("router_settings: {cooldown_time: 1m, timeout: '30', stream_timeout: 1.5}").router
    assert (router.cooldown_time, router.timeout, router.stream_timeout) == (60.0, 30.0, 1.5)


def test_exactly_the_supported_keys_are_read():
    known = {key.name for key in SECTIONS["router_settings"].values() if key.standing is Standing.SUPPORTED}
    # Where the Redis is belongs to the process's surroundings.
    assert {name for name in known if not name.startswith("redis_")} == set(ROUTER_READERS)
    shared = {key.name for key in SECTIONS["litellm_settings"].values() if key.standing is Standing.SUPPORTED}
    assert shared >= SHARED_KEYS
    assert all(name.endswith("Retries") for name in SECTIONS[RETRY_POLICY])
