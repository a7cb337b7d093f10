"""The web application of a gateway: every route, with what its handlers are given."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from gateway.composition.routes import ROUTES
from gateway.http.guard import build_guard, caller_of, check_rules
from gateway.http.inference import build_inference_routes
from gateway.http.pass_through import PassThroughLane, build_exception_handlers
from gateway.http.registration import Application, Part
from gateway.http.repeating import build_repeating
from gateway.runtime import Gateway

__all__ = ["Lifespan", "build_application", "build_part"]

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
"""Opens what an application needs, and closes it."""


def build_application(
    gateway: Gateway, *lifespan: Lifespan, routes: Sequence[HTTPRouteHandler] = ROUTES
) -> Litestar:
    """Build the routes upon a gateway; raises StartupError for routes that cannot be served."""
    pass_throughs = PassThroughLane(gateway, gateway.snapshot.settings.environment.server_root_path)
    app = Application(
        route_handlers=[*build_inference_routes(gateway), _build_ordinary(gateway, routes)],
        lifespan=lifespan,
        exception_handlers=dict(build_exception_handlers(gateway, pass_throughs)),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=gateway.snapshot.body_bytes,
        state=State({"pass_throughs": pass_throughs}),
    )
    check_rules(app)
    return app


def build_part(gateway: Gateway, path: str) -> Litestar:
    """Build an application of the routes that begin as a path does: who asks once needs no others."""
    beginning = _beginning(path)
    routes = [one for one in ROUTES if any(_beginning(served) == beginning for served in one.paths)]
    return build_application(gateway, routes=routes)


def _beginning(path: str) -> str:
    return path.lstrip("/").partition("/")[0]


def _build_ordinary(gateway: Gateway, routes: Sequence[HTTPRouteHandler]) -> Part:
    """The ordinary routes; a guard on the whole application would cost the inference routes a tenth."""
    dependencies = {
        "gateway": Provide(lambda: gateway, sync_to_thread=False),
        "key_service": Provide(lambda: gateway.parts.keys, sync_to_thread=False),
        "grants": Provide(lambda: gateway.parts.grants, sync_to_thread=False),
        "logins": Provide(lambda: gateway.parts.logins, sync_to_thread=False),
        "services": Provide(lambda: gateway.parts.management, sync_to_thread=False),
        "inventory": Provide(lambda: gateway.parts.inventory, sync_to_thread=False),
        "caller": Provide(caller_of, sync_to_thread=False),
    }
    return Part(
        routes,
        guards=[build_guard(gateway)],
        dependencies=dependencies,
        middleware=[build_repeating(gateway.parts.database.attempts)],
    )
