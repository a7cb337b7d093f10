"""The page of permissions says what the rules say."""

from pathlib import Path

from gateway.composition.permissions_page import render_page
from gateway.composition.routes import ROUTES

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"


def test_the_page_is_what_the_rules_say() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert render_page(page) == page, "run: python -m gateway.composition.permissions_page"


def test_every_route_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [path for handler in ROUTES for path in handler.paths if path.split(":")[0] not in page] == []
