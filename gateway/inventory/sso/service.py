"""The rules of changing the settings of the identity provider."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.audit.changes import Audited, updated
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.domain import Principal
from gateway.errors import BadRequest, ConfigError
from gateway.identity.records import Records
from gateway.inventory.masking import mask_text
from gateway.inventory.notices import announce_models
from gateway.inventory.sealed import SealedMembers, check_destination, merge_members
from gateway.inventory.settings_store import sso_row
from gateway.inventory.sso.fields import is_secret
from gateway.settings.stored_sso import STORED_VARIABLES, stored_name

__all__ = ["SsoSettingsService"]

_Members = dict[str, Any]
_ENDPOINTS = ("generic_token_endpoint", "generic_authorization_endpoint", "generic_userinfo_endpoint")
_SECRETS = ("generic_client_secret",)
"""Those that go to endpoints which settings name; of other providers the endpoints are fixed."""


class SsoSettingsService:
    """The provider's settings on behalf of proxy admins; every text of them is stored encrypted.

    Raises DatabaseUnavailable.
    """

    def __init__(self, database: Database, records: Records, seal: Seal) -> None:
        self._database = database
        self._records = records
        self._row = sso_row(database)
        self._sealed = SealedMembers(seal, "sso_settings")

    async def stored(self) -> _Members:
        """What the database has, decrypted; what cannot be decrypted is left out."""
        return self._sealed.open_readable(await self._row.find())

    async def update(
        self,
        caller: Principal,
        sent: Mapping[str, Any],
        environ: Mapping[str, str],
        check: Callable[[Mapping[str, object]], None],
    ) -> _Members:
        """Change members, null or an empty text taking one away; returns all, decrypted.

        A secret that is sent as it was shown stays, also one of `environ`. `check` raises ConfigError for
        settings that could not be taken over; then BadRequest is raised, and nothing is stored.
        """
        async with self._records.transaction():
            before = self._sealed.open(await self._row.lock(), sent)
            effective = {**_said_by(environ), **before}
            meant = _meant(sent, effective)
            check_destination(effective, meant, addresses=_ENDPOINTS, secrets=_SECRETS)
            after = merge_members(before, meant)
            try:
                check(after)
            except ConfigError as error:
                name = stored_name(error.path or "")
                message = f"{name}: {error.reason}"
                raise BadRequest(message, param=name, type="bad_request_error") from error
            await self._row.write(self._sealed.close(after))
            await self._records.audit.record(
                caller, updated(Audited.SSO_CONFIG, self._row.key, before, after)
            )
            await announce_models(self._database)
        return after


def _said_by(environ: Mapping[str, str]) -> _Members:
    """What variables say: it holds where nothing is stored."""
    return {name: environ[variable] for name, variable in STORED_VARIABLES.items() if environ.get(variable)}


def _meant(sent: Mapping[str, Any], shown: Mapping[str, Any]) -> _Members:
    """What was sent, without secrets that were sent as they were shown."""
    return {
        name: value or None
        for name, value in sent.items()
        if not (is_secret(name) and _is_as_shown(value, shown.get(name)))
    }


def _is_as_shown(value: object, stored: object) -> bool:
    return isinstance(stored, str) and value == mask_text(stored)
