"""A plugin's section of the configuration: what fits is decoded, what does not is named with its path."""

from typing import Any

import msgspec
import pytest

from gateway.domain import Secret
from gateway.errors import PluginError
from gateway.hooks.plugin_settings import decode_settings


class Rule(msgspec.Struct, frozen=True):
    limit: int
    action: str = "mask"


class Settings(msgspec.Struct, frozen=True):
    rules: tuple[Rule, ...] = ()
    by_name: dict[str, Rule] = {}
    default: Rule | None = None
    ratio: float = 0.5
    key: Secret | None = None


def refusal(section: dict[str, Any]) -> str:
    with pytest.raises(PluginError) as caught:
        decode_settings("acme", section, Settings)
    return caught.value.message


def test_a_section_is_decoded_into_the_struct() -> None:
    section = {"rules": [{"limit": 1}], "by_name": {"a": {"limit": 2}}, "default": None, "ratio": 1}

    assert decode_settings("acme", section, Settings) == Settings(
        rules=(Rule(1),), by_name={"a": Rule(2)}, ratio=1.0
    )


def test_a_secret_is_read_from_a_string_and_does_not_show() -> None:
    settings = decode_settings("acme", {"key": "hidden"}, Settings)

    assert settings.key == Secret("hidden")
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    ("section", "path", "nearest"),
    [
        ({"ruels": []}, "acme: there is no setting 'ruels'", "rules"),
        ({"rules": [{"limit": 1}, {"limt": 1}]}, "acme.rules[1]: there is no setting 'limt'", "limit"),
        ({"by_name": {"x": {"acton": ""}}}, "acme.by_name.x: there is no setting 'acton'", "action"),
        ({"default": {"lmit": 1}}, "acme.default: there is no setting 'lmit'", "limit"),
    ],
)
def test_an_unknown_key_is_refused_at_every_depth(section: dict[str, Any], path: str, nearest: str) -> None:
    assert refusal(section) == (
        f"Plugin 'acme': gatewright.plugins.settings.{path}. Did you mean '{nearest}'?"
    )


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"ratio": "1"}, "acme.ratio: Expected `float`, got `str`."),
        ({"key": 1}, "acme.key: Expected `str`."),
        ({"rules": [{}]}, "acme.rules[0]: Object missing required field `limit`."),
        ({"rules": {}}, "acme.rules: Expected `array`, got `object`."),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(section: dict[str, Any], message: str) -> None:
    assert refusal(section) == f"Plugin 'acme': gatewright.plugins.settings.{message}"
