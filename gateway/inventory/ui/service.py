"""The rules of changing what a console shows."""

from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from gateway.audit.changes import Audited, updated
from gateway.db.engine import Database
from gateway.domain import Principal
from gateway.errors import BadRequest
from gateway.identity.records import Records
from gateway.inventory.notices import announce_models
from gateway.inventory.sealed import merge_members
from gateway.inventory.settings_store import ui_row
from gateway.inventory.ui.flags import check_effective
from gateway.inventory.ui.letters import LETTERS
from gateway.inventory.ui.pictures import Picture, is_picture

__all__ = ["BANNER", "LOGO", "THEME", "UiSettingsService", "read_part", "show_banner"]

THEME, BANNER = "ui_theme_config", "user_banner"
"""The members of the row that are no flags."""
LOGO = "logo_url"
"""The member of the theme that an uploaded picture becomes."""

_Members = dict[str, Any]
_NO_BANNER: Mapping[str, object] = {"enabled": False, "message": "", "severity": "info", "revision": 0}


class UiSettingsService:
    """Settings of a console on behalf of proxy admins; every change is one transaction that announces itself.

    All methods return the changed part as it is now. Raises DatabaseUnavailable.
    """

    def __init__(self, database: Database, records: Records) -> None:
        self._database = database
        self._records = records
        self._row = ui_row(database)

    async def update(self, caller: Principal, sent: Mapping[str, Any]) -> _Members:
        """Change flags. Raises BadRequest for one that would have no effect."""
        check_effective(sent)
        return await self._edit(caller, lambda stored: merge_members(stored, sent))

    async def set_theme(self, caller: Principal, sent: Mapping[str, Any]) -> _Members:
        """Change addresses of pictures. Raises BadRequest for what is no address on the web."""
        for name, address in sent.items():
            if address and not _is_on_the_web(address):
                message = f"{name}: must be an address on the web: https://..."
                raise BadRequest(message, param=name, type="bad_request_error")
        return await self._merge_theme(caller, {name: address or None for name, address in sent.items()})

    async def set_logo(self, caller: Principal, picture: Picture) -> None:
        """Keep a picture as the logo."""
        await self._merge_theme(caller, {LOGO: picture.address})

    async def _merge_theme(self, caller: Principal, meant: _Members) -> _Members:
        def change(stored: _Members) -> _Members:
            return {**stored, THEME: merge_members(read_part(stored, THEME), meant)}

        return (await self._edit(caller, change))[THEME]

    async def set_banner(self, caller: Principal, banner: Mapping[str, object]) -> _Members:
        """Replace the banner; its revision counts up, so that who has closed it sees it again."""

        def change(stored: _Members) -> _Members:
            revision = show_banner(stored)["revision"] + 1
            return {**stored, BANNER: {**banner, "revision": revision}}

        return (await self._edit(caller, change))[BANNER]

    async def set_letters(self, caller: Principal, sent: Mapping[str, bool] | None) -> _Members:
        """Say of some events whether their mails go out; None lets all go out again."""

        def change(stored: _Members) -> _Members:
            return {**stored, LETTERS: {**read_part(stored, LETTERS), **sent} if sent is not None else {}}

        return (await self._edit(caller, change))[LETTERS]

    async def _edit(self, caller: Principal, change: Callable[[_Members], _Members]) -> _Members:
        async with self._records.transaction():
            before = await self._row.lock()
            after = change(before)
            await self._row.write(after)
            entry = updated(Audited.UI_SETTINGS, self._row.key, _noted(before), _noted(after))
            await self._records.audit.record(caller, entry)
            await announce_models(self._database)
        return after


def show_banner(stored: Mapping[str, Any]) -> _Members:
    """The banner of a row; none was ever set: one that is off."""
    return {**_NO_BANNER, **read_part(stored, BANNER)}


def read_part(stored: Mapping[str, Any], name: str) -> _Members:
    """An object within a row; whoever wrote something else there said nothing."""
    found = stored.get(name)
    return cast("_Members", found) if isinstance(found, dict) else {}


def _noted(stored: _Members) -> _Members:
    """What the audit trail keeps of a row: of a picture only how long it is."""
    theme = read_part(stored, THEME)
    short = {
        name: f"a picture ({len(address)} characters)"
        for name, address in theme.items()
        if isinstance(address, str) and is_picture(address)
    }
    return {**stored, THEME: {**theme, **short}} if short else stored


def _is_on_the_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False
