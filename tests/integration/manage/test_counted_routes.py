"""Every route of the application is counted somewhere, or says why it is not."""

import re
from collections.abc import Iterator

from gateway.composition.routes import ROUTES
from tests.integration.manage.listed_routes import FIGURES, LISTS, REPORTS, list_posts
from tests.integration.manage.login_routes import STATEMENTS
from tests.integration.manage.route_rows import ROWS

_UNCOUNTED = {
    "POST /coordination_redis/settings": "Refuses whoever asks, and says where the Redis is set.",
    "GET /debug/memory/details": "Refuses whoever asks, and says why there is nothing to show.",
    "POST /debug/memory/gc/configure": "Refuses whoever asks, and says why there is nothing to tune.",
}
"""By one of the paths of a route."""
_SERVED = {
    f"{method} {path}": handler
    for handler in ROUTES
    for method in handler.http_methods - {"HEAD", "OPTIONS"}
    for path in handler.paths
}


def _listed() -> Iterator[str]:
    """The routes of what is asked twice, with few and with many rows."""
    yield from (_route_of("GET", path) for path, _ in (*LISTS, *REPORTS, *FIGURES))
    yield from (_route_of("POST", path) for path, _ in list_posts(1))


def _route_of(method: str, path: str) -> str:
    """The route that answers there: a path of letters alone comes before one with parameters."""
    asked = f"{method} {path}"
    if asked in _SERVED:
        return asked
    fits = [route for route in _SERVED if re.fullmatch(re.sub(r"\{\w+:str\}", "[^/]+", route), asked)]
    return min(fits, key=lambda route: route.count("{"))


def test_every_route_is_counted_or_says_why_not() -> None:
    counted = {asked.route for asked in ROWS} | {route for kind in STATEMENTS.values() for route in kind}
    named = counted | set(_listed()) | _UNCOUNTED.keys()
    covered = {id(_SERVED[route]) for route in named if route in _SERVED}

    assert named - _SERVED.keys() == set()
    assert [route for route, handler in _SERVED.items() if id(handler) not in covered] == []
    assert _UNCOUNTED.keys() & counted == set()
