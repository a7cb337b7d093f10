"""The identity provider at which people log in at present: the environment's, or the database's."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from gateway.identity.login.sso.answer import Arrived, SsoAnswer
from gateway.settings.login import read_base_url
from gateway.settings.sso import SsoSettings, read_sso_settings
from gateway.settings.stored_sso import sso_environment

__all__ = ["CurrentProvider", "SingleSignOn"]

_NOTHING: Mapping[str, object] = {}


class SingleSignOn(Protocol):
    """The login at an identity provider."""

    @property
    def name(self) -> str:
        """Which provider it is."""
        ...

    async def begin(self, return_to: str, terminal: str = "") -> tuple[str, str]:
        """Where to send the browser, and what it carries in a cookie meanwhile."""
        ...

    async def begin_trial(self) -> tuple[str, str]:
        """The same for who only wants to see what the provider says; raises NotFound where nobody may."""
        ...

    async def finish(self, answer: SsoAnswer, carried: str | None) -> Arrived:
        """Say who came back, and what for."""
        ...


class _Said(msgspec.Struct, frozen=True):
    """What settings come to, read and found good."""

    settings: SsoSettings | None
    base_url: str


class CurrentProvider:
    """Reads the variables `environ` with what the database stores laid over them; `build` makes the login.

    A login that is under way when the provider changes has to be begun again.
    """

    def __init__(self, environ: Mapping[str, str], build: Callable[[SsoSettings, str], SingleSignOn]) -> None:
        """Begin with what the environment says. Raises ConfigError."""
        self.environ = environ
        self._started_with = environ
        self._build = build
        self._tried: tuple[Mapping[str, str], Mapping[str, object]] = ({}, _NOTHING)
        self._serve(self._read(environ, _NOTHING))

    def check(self, stored: Mapping[str, object]) -> None:
        """Raise ConfigError for stored settings that could not be taken over."""
        self._read(self.environ, stored)

    def take_over(self, stored: Mapping[str, object], variables: Mapping[str, str]) -> None:
        """Serve what the database says, in any thread; nothing happens while that stays the same.

        `variables` are those of the settings, which win over the environment's. Raises ConfigError, once for
        the same settings, and goes on with what was there.
        """
        if (variables, stored) == self._tried:
            return
        self._tried = (variables, stored)
        environ = {**self._started_with, **variables}
        said = self._read(environ, stored)
        self.environ = environ
        self._serve(said)

    def _read(self, environ: Mapping[str, str], stored: Mapping[str, object]) -> _Said:
        effective = sso_environment(environ, stored)
        return _Said(read_sso_settings(effective), read_base_url(effective))

    def _serve(self, said: _Said) -> None:
        sso = None if said.settings is None else self._build(said.settings, said.base_url)
        self.sso, self.base_url = sso, said.base_url
