"""The page of routes that are not here says so of none that is."""

import re

from gateway.composition.routes import ROUTES
from tests.docs.test_pages import ROOT

ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`]*)`")


def plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_what_is_left_out_is_not_there() -> None:
    there = {(method, plain(path)) for one in ROUTES for method in one.http_methods for path in one.paths}
    lines = (ROOT / "docs/left-out.md").read_text(encoding="utf-8").splitlines()
    named = [route for line in lines if line.startswith("|") for route in ROUTE.findall(line.split("|")[1])]

    assert len(named) > 50
    assert [f"{method} {path}" for method, path in named if (method, plain(path)) in there] == []
