"""The page of parameters says what the installed guardrails take."""

from pathlib import Path

from gateway.composition.guardrails_page import render_page
from gateway.guardrails.discovery import list_kinds

PAGE = Path(__file__).parents[2] / "docs" / "guardrail-parameters.md"


def test_the_page_is_what_the_kinds_say() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert render_page(page, list_kinds()) == page, "run: python -m gateway.composition.guardrails_page"


def test_every_parameter_is_described() -> None:
    kinds = list_kinds()

    assert [kind.fault for kind in kinds if kind.fault] == []
    assert [(kind.name, one.name) for kind in kinds for one in kind.parameters if not one.description] == []
