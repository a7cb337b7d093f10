"""Reads CyberArk Conjur (https://docs.cyberark.com/conjur-open-source/latest/en/content/developer/lp_rest_api.htm)."""

import base64
from urllib.parse import quote

from gateway.errors import ServiceUnavailable
from gateway.settings.secret_managers import ConjurSettings
from gateway.upstream.fetching import Fetcher

__all__ = ["Conjur"]

_OK, _UNAUTHORIZED, _MISSING = 200, 401, 404


class Conjur:
    """One Conjur. Its tokens hold for minutes: one is used until it is refused."""

    def __init__(self, settings: ConjurSettings, fetcher: Fetcher) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._token = ""

    async def check(self) -> None:
        """Log in. Raises ServiceUnavailable."""
        await self._log_in()

    async def read(self, name: str) -> str | None:
        """The value of a variable. Raises ServiceUnavailable."""
        account, variable = _part(self._settings.account), _part(name)
        path = f"secrets/{account}/variable/{variable}"
        if not self._token:
            await self._log_in()
        status, body = await self._ask(path)
        if status == _UNAUTHORIZED:
            await self._log_in()
            status, body = await self._ask(path)
        if status == _MISSING:
            return None
        if status != _OK:
            raise _refused(status)
        return body.decode("utf-8", "replace")

    async def _ask(self, path: str) -> tuple[int, bytes]:
        headers = {"authorization": f'Token token="{self._token}"'}
        return await self._fetcher.ask(f"{self._settings.address}/{path}", headers)

    async def _log_in(self) -> None:
        settings = self._settings
        path = f"authn/{_part(settings.account)}/{_part(settings.username)}/authenticate"
        key = settings.api_key.reveal().encode()
        status, body = await self._fetcher.ask(f"{settings.address}/{path}", {}, key)
        if status != _OK:
            raise _refused(status)
        self._token = base64.b64encode(body).decode()


def _part(text: str) -> str:
    return quote(text, safe="")


def _refused(status: int) -> ServiceUnavailable:
    return ServiceUnavailable(f"Conjur answered with status {status}.")
