"""Guardrails are set up from entry points; what cannot be is told, or refuses what it should inspect."""

import sys
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import msgspec
import pytest

from gateway.catalog.added import AddedGuardrail, GuardrailRow
from gateway.errors import ConfigError, ConfigErrors
from gateway.guardrails.build import add_guardrails, build_guardrails
from gateway.guardrails.kinds import GROUP, Kinds
from gateway.sdk import Content, Direction, Guardrail, GuardrailCall
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode

MODES = frozenset({GuardrailMode.PRE_CALL})
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Plain(Guardrail):
    def inspect(self, content: Content, call: GuardrailCall) -> None: ...


class WithParams(Plain):
    class Params(msgspec.Struct):
        size: int

    def __init__(self, params: Params) -> None:
        if params.size < 0:
            raise ValueError("too small")
        self.size = params.size


class OddParams(Plain):
    Params = dict


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Kinds:
    module = ModuleType("installed_guardrails")
    for name, value in {"Plain": Plain, "WithParams": WithParams, "Odd": OddParams, "number": 1}.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names = {"plain": "Plain", "sized": "WithParams", "odd": "Odd", "number": "number", "gone": "gone"}
    return Kinds(EntryPoint(name, f"installed_guardrails:{value}", GROUP) for name, value in names.items())


def entry(kind: str, name: str = "g", **members: Any) -> GuardrailEntry:
    where = {"key_path": "guardrails[0]", "file": "config.yaml", "line": 3}
    return GuardrailEntry(name=name, kind=kind, modes=MODES, **where, **members)


def stored(kind: str, name: str = "g", fault: str = "", **params: object) -> AddedGuardrail:
    row = GuardrailRow(
        guardrail_id=name,
        guardrail_name=name,
        litellm_params=str(params),
        guardrail_info=None,
        created_at=NOW,
        updated_at=NOW,
    )
    return AddedGuardrail(row=row, entry=entry(kind, name, params=dict(params)), fault=fault)


def test_parameters_are_decoded_into_the_guardrails_own_struct(kinds: Kinds) -> None:
    plain, sized = build_guardrails([entry("plain", "a"), entry("sized", "b", params={"size": 3})], kinds)
    assert isinstance(plain.guardrail, Plain)
    assert isinstance(sized.guardrail, WithParams)
    assert sized.guardrail.size == 3


@pytest.mark.parametrize(
    ("kind", "params", "told"),
    [
        (
            "plane",
            {},
            "guardrails[0].litellm_params.guardrail: No guardrail 'plane' is installed. Did you mean",
        ),
        ("plain", {"size": 1}, "guardrails[0].litellm_params.size: This guardrail has no parameters."),
        ("sized", {"size": "x"}, "guardrails[0].litellm_params.size: Expected `int`, got `str`"),
        (
            "sized",
            {"sise": 1},
            "guardrails[0].litellm_params: there is no setting 'sise'. Did you mean 'size'?",
        ),
        ("sized", {"size": -1}, "The guardrail cannot be built: ValueError: too small"),
        ("odd", {}, "must be a subclass of msgspec.Struct"),
        ("number", {}, "is no subclass of gateway.sdk.Guardrail"),
        ("gone", {}, "cannot be imported: AttributeError"),
    ],
)
def test_what_cannot_be_set_up_stops_the_start(
    kinds: Kinds, kind: str, params: dict[str, object], told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        build_guardrails([entry(kind, params=params)], kinds)
    assert refused.value.message.startswith("config.yaml:3: ")
    assert told in refused.value.message


def test_all_that_is_wrong_is_told_at_once(kinds: Kinds) -> None:
    with pytest.raises(ConfigErrors) as refused:
        build_guardrails([entry("a"), entry("b")], kinds)
    assert len(refused.value.errors) == 2


def test_those_of_one_name_run_for_everybody_or_for_nobody(kinds: Kinds) -> None:
    with pytest.raises(ConfigError, match="'default_on' differs"):
        build_guardrails([entry("plain"), entry("plain", is_default=True)], kinds)


async def test_a_row_that_cannot_be_set_up_refuses(kinds: Kinds) -> None:
    for one in (stored("nobodys"), stored("plain", fault="its secret cannot be decrypted")):
        (installed,) = add_guardrails((), [one], kinds=kinds)
        with pytest.raises(RuntimeError):
            installed.guardrail.inspect(Content(Direction.REQUEST, ()), GuardrailCall(guardrail="g"))


def test_a_row_that_has_not_changed_keeps_its_guardrail(kinds: Kinds) -> None:
    before = add_guardrails((), [stored("sized", "a", size=1), stored("sized", "b", size=1)], kinds=kinds)
    after = add_guardrails(
        (), [stored("sized", "a", size=1), stored("sized", "b", size=2)], before, kinds=kinds
    )
    assert after[0].guardrail is before[0].guardrail
    assert isinstance(after[1].guardrail, WithParams)
    assert after[1].guardrail.size == 2


def test_a_name_of_the_configuration_is_not_given_to_a_row(kinds: Kinds) -> None:
    configured = build_guardrails([entry("plain")], kinds)
    assert add_guardrails(configured, [stored("sized", size=1)], kinds=kinds) == configured
