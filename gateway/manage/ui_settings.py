"""The routes of what a console shows: its settings, its pictures, its banner."""

from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.services import Inventory
from gateway.inventory.ui.flags import describe_flags, show_flags
from gateway.inventory.ui.pictures import LARGEST, is_picture, read_picture, read_upload
from gateway.inventory.ui.request import BannerRequest, ThemeRequest, UiRequest
from gateway.inventory.ui.service import THEME, read_part, show_banner
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.stored_settings import refuse_unread
from gateway.manage.uploads import read_file
from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_FLAGS = BodyReader(UiRequest)
_THEME = BodyReader(ThemeRequest)
_BANNER = BodyReader(BannerRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_PUBLIC = Permit(resource=Resource.CONFIG, action=Action.READ, fields={Party.ANYBODY: ALL})
_CHANGE = allow(Resource.CONFIG, Action.UPDATE)
_SUCCESS = "success"
_PICTURES = {
    "logo_url": "The logo on a light background.",
    "logo_url_dark": "The logo on a dark background.",
    "favicon_url": "The icon of the browser's tab.",
}
_SVG = "image/svg+xml"
_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32" fill="none" '
    'stroke="{ink}" stroke-width="3"><path d="M5 28V14a11 11 0 0 1 22 0v14M12 28V15m8 13V15"/></svg>'
)
_LONGEST_NAME = 255
_SHOWN_ONLY = {"content-security-policy": "default-src 'none'; sandbox", "x-content-type-options": "nosniff"}
_INK = {"light": "#1f2937", "dark": "#f9fafb"}


@get("/get/ui_settings", opt={"rule": RouteRule(name="/get/ui_settings", permit=_PUBLIC)})
async def show_settings(gateway: _Gateway) -> dict[str, object]:
    """Show the settings of a console, and which of them somebody set."""
    stored = gateway.parts.added.current.ui
    values = show_flags(stored)
    source = {name: "database" if name in stored else "default" for name in values}
    return {"values": values, "field_schema": describe_flags(), "source": source}


@patch(
    "/update/ui_settings",
    status_code=200,
    opt={"rule": RouteRule(name="/update/ui_settings", permit=_CHANGE, body=UiRequest)},
)
async def update_settings(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change settings of a console, from the next second on, on every worker."""
    body = await _FLAGS.read_from(request)
    refuse_unread(gateway)
    stored = await inventory.ui.update(caller, body.sent)
    told = {"message": "UI settings updated successfully", "status": _SUCCESS}
    return answer({**told, "settings": show_flags(stored)}, body)


@get("/get/ui_theme_settings", opt={"rule": RouteRule(name="/get/ui_theme_settings", permit=_PUBLIC)})
async def show_theme(gateway: _Gateway) -> dict[str, object]:
    """Show the addresses of a console's pictures."""
    properties = {name: {"type": "string", "description": text} for name, text in _PICTURES.items()}
    schema = {"description": "The pictures of a console.", "properties": properties}
    return {"values": _theme(gateway), "field_schema": schema}


@patch(
    "/update/ui_theme_settings",
    status_code=200,
    opt={"rule": RouteRule(name="/update/ui_theme_settings", permit=_CHANGE, body=ThemeRequest)},
)
async def update_theme(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Change the pictures of a console, from the next second on."""
    body = await _THEME.read_from(request)
    refuse_unread(gateway)
    theme = await inventory.ui.set_theme(caller, body.sent)
    told = {"message": "UI theme settings updated successfully", "status": _SUCCESS}
    return answer({**told, "theme_config": theme}, body)


@post("/upload/logo", status_code=200, opt={"rule": RouteRule(name="/upload/logo", permit=_CHANGE)})
async def upload_logo(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> dict[str, object]:
    """Keep a picture, sent as the part `file` of a form, as the logo of every worker."""
    refuse_unread(gateway)
    name, data = await read_file(request, LARGEST)
    await inventory.ui.set_logo(caller, read_upload(data))
    told = {"message": "Logo uploaded successfully", "status": _SUCCESS, "file_path": "/get_image"}
    return {**told, "filename": name[:_LONGEST_NAME], "file_size": len(data)}


@get("/get_logo_url", opt={"rule": RouteRule(name="/get_logo_url", permit=_PUBLIC)})
async def show_logo_address(gateway: _Gateway) -> dict[str, object]:
    """Show the address of the logo; an empty text where there is none but the gateway's own."""
    return {"logo_url": _theme(gateway)["logo_url"] or ""}


@get("/get_image", opt={"rule": RouteRule(name="/get_image", permit=_PUBLIC)})
async def show_logo(
    gateway: _Gateway,
    theme: FromQuery[Literal["light", "dark"]] = "light",
    variant: FromQuery[Literal["full", "monogram"]] = "full",  # noqa: ARG001  the contract's; there is one logo
) -> Response[Any]:
    """Send the browser to the logo, or show the gateway's own, which is the same in both variants."""
    pictures = _theme(gateway)
    address = (pictures["logo_url_dark"] if theme == "dark" else None) or pictures["logo_url"]
    return _picture(address, _LOGO.format(ink=_INK[theme]))


@get("/get_favicon", opt={"rule": RouteRule(name="/get_favicon", permit=_PUBLIC)})
async def show_favicon(gateway: _Gateway) -> Response[Any]:
    """Send the browser to the icon, or show the gateway's own."""
    return _picture(_theme(gateway)["favicon_url"], _LOGO.format(ink=_INK["light"]))


@get(
    "/get/user_banner",
    opt={
        "rule": RouteRule(
            name="/get/user_banner",
            permit=allow(Resource.CONFIG, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def show_user_banner(gateway: _Gateway) -> dict[str, object]:
    """Show what a console tells everybody."""
    return show_banner(gateway.parts.added.current.ui)


@patch(
    "/update/user_banner",
    status_code=200,
    opt={"rule": RouteRule(name="/update/user_banner", permit=_CHANGE, body=BannerRequest)},
)
async def update_banner(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> Answer:
    """Replace what a console tells everybody."""
    body = await _BANNER.read_from(request)
    refuse_unread(gateway)
    banner = await inventory.ui.set_banner(caller, msgspec.structs.asdict(body.value))
    return answer({"message": "User banner updated successfully", "banner": banner}, body)


def _theme(gateway: Gateway) -> dict[str, str | None]:
    found = read_part(gateway.parts.added.current.ui, THEME)
    return {name: found.get(name) for name in _PICTURES}


def _picture(address: str | None, own: str) -> Response[Any]:
    if address and is_picture(address):
        picture = read_picture(address)
        if picture is not None:
            return Response(picture.data, media_type=picture.media_type, headers=_SHOWN_ONLY)
    elif address:
        return Redirect(address, status_code=307)
    return Response(own, media_type=_SVG)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    show_settings,
    update_settings,
    show_theme,
    update_theme,
    upload_logo,
    show_logo_address,
    show_logo,
    show_favicon,
    show_user_banner,
    update_banner,
)
