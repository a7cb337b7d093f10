"""The section `guardrails`: what is read, and what is refused with its place."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.errors import ConfigError
from gateway.settings import load_settings
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode

PRE, DURING, POST = GuardrailMode.PRE_CALL, GuardrailMode.DURING_CALL, GuardrailMode.POST_CALL


def read(tmp_path: Path, **params: Any) -> GuardrailEntry:
    item = {"guardrail_name": "g", "litellm_params": {"guardrail": "keywords", "mode": "pre_call", **params}}
    path = tmp_path / "config.yaml"
    path.write_bytes(msgspec.json.encode({"guardrails": [item]}))
    return load_settings(path, {}).guardrails[0]


def test_what_is_not_said_is_strict(tmp_path: Path) -> None:
    entry = read(tmp_path, blocked_words=[])
    assert (entry.name, entry.kind, entry.modes) == ("g", "keywords", frozenset({PRE}))
    assert (entry.is_default, entry.is_lenient, entry.deadline_seconds, entry.order) == (
        False,
        False,
        10.0,
        0,
    )
    assert entry.params == {"blocked_words": []}


@pytest.mark.parametrize(
    ("mode", "modes", "tagged"),
    [
        ("post_call", {POST}, {}),
        (["pre_call", "during_call"], {PRE, DURING}, {}),
        ({"tags": {"a": "post_call"}, "default": ["pre_call"]}, {PRE}, {"a": {POST}}),
        ({"tags": {"a": ["pre_call", "post_call"]}}, set(), {"a": {PRE, POST}}),
    ],
)
def test_modes(tmp_path: Path, mode: object, modes: set[GuardrailMode], tagged: dict[str, Any]) -> None:
    entry = read(tmp_path, mode=mode)
    assert (entry.modes, entry.tag_modes) == (modes, tagged)


@pytest.mark.parametrize(
    "params",
    [{"on_error": "allow"}, {"unreachable_fallback": "fail_open"}],
    ids=lambda params: next(iter(params)),
)
def test_an_operator_may_be_lenient(tmp_path: Path, params: dict[str, str]) -> None:
    assert read(tmp_path, **params).is_lenient


@pytest.mark.parametrize(
    ("params", "path", "told"),
    [
        ({"mode": "never"}, "mode", "pre_call, during_call, post_call"),
        ({"mode": {"tag": {}}}, "mode.tag", "tags, default"),
        ({"mode": None}, "", "'mode' is missing"),
        ({"guardrail": None}, "", "'guardrail' is missing"),
        ({"default_on": "perhaps"}, "default_on", "true or false"),
        ({"deadline_seconds": 0}, "deadline_seconds", "more than 0 seconds"),
        ({"on_error": "ignore"}, "on_error", "block, allow"),
        ({"order": -1}, "order", "whole number"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, params: dict[str, object], path: str, told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, **params)
    place = f"guardrails[0].litellm_params.{path}".rstrip(".")
    assert refused.value.path == place
    assert told in refused.value.message


def test_an_item_without_a_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("guardrails:\n  - litellm_params: {guardrail: keywords, mode: pre_call}\n")
    with pytest.raises(ConfigError, match=r"config.yaml:2: guardrails\[0\]: 'guardrail_name' is missing"):
        load_settings(path, {})
