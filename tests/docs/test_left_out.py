"""The page of routes that are not here says so of none that is."""

import re

from gateway.composition.routes import ROUTES
from tests.docs.test_pages import ROOT

_ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`]*)`")
_REST = re.compile(r"and the rest of ((?:`/[^`]*`(?:, )?)+)")


def list_left_out() -> list[tuple[str, str]]:
    """The routes that the page names, by method and path."""
    return [route for cell in _cells() for route in _ROUTE.findall(cell)]


def _cells() -> list[str]:
    lines = (ROOT / "docs/left-out.md").read_text(encoding="utf-8").splitlines()
    return [line.split("|")[1] for line in lines if line.startswith("|")]


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_what_is_left_out_is_not_there() -> None:
    there = {(method, _plain(path)) for one in ROUTES for method in one.http_methods for path in one.paths}
    named = list_left_out()

    assert len(named) > 50
    assert [f"{method} {path}" for method, path in named if (method, _plain(path)) in there] == []


def test_nothing_is_there_below_what_is_left_out_as_a_whole() -> None:
    families = [
        path for cell in _cells() for rest in _REST.findall(cell) for path in re.findall("`([^`]*)`", rest)
    ]
    paths = sorted({path for one in ROUTES for path in one.paths})

    assert len(families) > 8
    assert [path for path in paths if path.startswith(tuple(families))] == []
