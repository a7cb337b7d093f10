from pathlib import Path

import msgspec
import pytest

from gateway.errors import ConfigError
from gateway.settings import GatewrightSettings, LimitSettings, PluginSettings
from gateway.settings.own_section import LIMIT_READERS, OWN_READERS, PLUGIN_READERS


def test_plugin_settings_are_handed_on_untouched(load):
    text = """
gatewright:
  plugins:
    allow: [guardrails]
    deny: [other]
    settings:
      guardrails: {rules: [{name: x, level: 0.5}], note: null}
      bare:
"""
    plugins = load(text).gatewright.plugins
    assert (plugins.allow, plugins.deny) == (("guardrails",), ("other",))
    assert plugins.settings == {
        "guardrails": {"rules": [{"name": "x", "level": 0.5}], "note": None},
        "bare": {},
    }


def test_without_an_allow_list_there_is_none_and_an_empty_one_allows_nothing(load):
    assert load("gatewright: {plugins: {deny: [a]}}").gatewright.plugins.allow is None
    assert load("gatewright: {plugins: {allow: []}}").gatewright.plugins.allow == ()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("gatewright:\n  drain_second: 3", "gatewright.drain_second"),
        ("gatewright:\n  zebra: null", "gatewright.zebra"),
        ("gatewright: {limits:\n  {body: 3}}", "gatewright.limits.body"),
        ("gatewright: {plugins:\n  {setings: {}}}", "gatewright.plugins.setings"),
    ],
)
def test_an_unknown_key_is_refused_with_the_allowed_ones(load, text, path):
    with pytest.raises(ConfigError, match="There is no key") as caught:
        load(text)
    assert (caught.value.path, caught.value.line) == (path, 2)
    assert caught.value.allowed


@pytest.mark.parametrize(
    "text",
    [
        "limits: {body_bytes: 0}",
        "limits: 3",
        "plugins: {allow: {a: b}}",
        "plugins: {settings: {a: 3}}",
        "key_cache_entries: 0",
        "cors_origins: {a: b}",
        "price_file: os.environ/NONE",
    ],
)
def test_a_wrong_value_is_refused(load, text):
    with pytest.raises(ConfigError):
        load(f"gatewright: {{{text}}}")


def test_the_price_file_counts_from_the_file_that_names_it(load, tmp_path: Path):
    assert load("gatewright: {price_file: prices.json}").gatewright.price_file == str(
        tmp_path / "prices.json"
    )


@pytest.mark.parametrize(
    ("struct", "readers"),
    [(GatewrightSettings, OWN_READERS), (LimitSettings, LIMIT_READERS), (PluginSettings, PLUGIN_READERS)],
)
def test_every_field_can_be_set(struct, readers):
    """But for `offered`, which other sections say, and `places`, which nobody does."""
    assert {field.name for field in msgspec.structs.fields(struct)} - {"offered", "places"} == {
        field for field, _ in readers.values()
    }
