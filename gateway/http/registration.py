"""Registers many routes at once: Litestar takes them one by one, and looks through all others for each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from litestar import HttpMethod, Litestar, Request, Response, Router
from litestar.handlers import HTTPRouteHandler
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.routes import HTTPRoute
from litestar.status_codes import HTTP_204_NO_CONTENT
from litestar.types import ControllerRouterHandler

from gateway.errors import StartupError

__all__ = ["Application", "Part"]


class Part(Router):
    """Routes that share guards, dependencies and middleware, for one application.

    OPTIONS is answered with the methods of the path, by one handler for all paths.
    """

    def __init__(self, route_handlers: Sequence[HTTPRouteHandler], **layers: Any) -> None:
        super().__init__("", route_handlers=[], **layers)  # pyright: ignore[reportUnknownMemberType]  Litestar's
        by_path: dict[str, list[HTTPRouteHandler]] = defaultdict(list)
        for handler in route_handlers:
            served = self._own(handler)
            for path in served.paths:
                by_path[path].append(served)
        allowed: dict[str, str] = {}
        options = self._own(_build_options(allowed))
        for path, handlers in by_path.items():
            route = HTTPRoute(path=path, route_handlers=[*handlers, options])
            allowed[route.path_format] = ", ".join(sorted(route.methods))
            self.routes.append(route)

    def _own(self, handler: HTTPRouteHandler) -> HTTPRouteHandler:
        owned = copy(handler)
        owned.owner = self
        return owned


class Application(Litestar):
    """Takes parts whole.

    It does without Litestar's plugins for the structs of other libraries, of which no route takes any:
    pydantic would be loaded because it is installed, and costs a worker 5 MB.
    """

    def register(self, value: ControllerRouterHandler) -> None:
        """Register a part, or anything else as Litestar does.

        Raises StartupError for a path that is served already.
        """
        if not isinstance(value, Part):
            super().register(value)
            return
        value.owner = self
        taken = {route.path for route in self.routes}
        registered: set[int] = set()
        for route in value.routes:
            if route.path in taken or not isinstance(route, HTTPRoute):
                raise StartupError(f"The route {route.path} is served already.")
            for handler in route.route_handlers:
                if id(handler) not in registered:
                    registered.add(id(handler))
                    handler.on_registration(self)
            route.create_handler_map()
            self.routes.append(route)
        self.asgi_router.construct_routing_trie()

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def _build_options(allowed: Mapping[str, str]) -> HTTPRouteHandler:
    """What answers with the methods of a path, as `allowed` has them by the paths' forms."""

    def answer_options(request: Request[Any, Any, Any]) -> Response[None]:
        headers = {"allow": allowed[request.scope["path_template"]]}
        return Response(None, status_code=HTTP_204_NO_CONTENT, headers=headers)

    return HTTPRouteHandler(
        http_method=HttpMethod.OPTIONS,
        status_code=HTTP_204_NO_CONTENT,
        include_in_schema=False,
        sync_to_thread=False,
    )(answer_options)
