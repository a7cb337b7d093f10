"""Settings of a cache of answers, which LiteLLM has and this gateway keeps for it."""

from collections.abc import Mapping
from typing import Any

from gateway.audit.changes import Audited, updated
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.domain import Principal
from gateway.errors import BadRequest
from gateway.identity.records import Records
from gateway.inventory.masking import mask_address, mask_text
from gateway.inventory.sealed import SealedMembers, check_destination, merge_members
from gateway.inventory.settings_store import cache_row
from gateway.settings.node import is_credential_path

__all__ = [
    "REDIS_FIELDS",
    "CacheSettingsService",
    "describe_redis_fields",
    "keep_secrets_home",
    "mask_cache_settings",
    "unmask",
]

_Members = dict[str, Any]
_MOST_MEMBERS = 100
_LONGEST = 4_096
_ADDRESSES = ("url", "host", "port", "redis_startup_nodes", "sentinel_nodes")
REDIS_FIELDS: Mapping[str, tuple[str, str]] = {
    "type": ("String", "The kind of cache: redis."),
    "url": ("String", "The whole address, in the place of what follows."),
    "host": ("String", "The host of the Redis."),
    "port": ("Integer", "Its port; 6379."),
    "username": ("String", "Who logs in there."),
    "password": ("String", "With which password."),
    "db": ("Integer", "The number of the database; 0."),
    "ssl": ("Boolean", "Whether the connection is encrypted."),
    "namespace": ("String", "What the names of keys begin with."),
    "ttl": ("Float", "Seconds that an answer is kept."),
}
"""The members that are described, each with its type and meaning."""


class CacheSettingsService:
    """Keeps the settings on behalf of proxy admins, every text encrypted; nothing here acts on them.

    Raises DatabaseUnavailable.
    """

    def __init__(self, database: Database, records: Records, seal: Seal) -> None:
        self._records = records
        self._row = cache_row(database)
        self._sealed = SealedMembers(seal, "cache_settings")

    async def stored(self) -> _Members:
        """What the database has, decrypted; what cannot be decrypted is left out."""
        return self._sealed.open_readable(await self._row.find())

    async def update(self, caller: Principal, sent: Mapping[str, Any]) -> _Members:
        """Change members, null taking one away; returns all, decrypted.

        A secret that is sent as it was shown stays. Raises BadRequest for members that are too many or long.
        """
        _check_size(sent)
        async with self._records.transaction():
            before = self._sealed.open(await self._row.lock(), sent)
            keep_secrets_home(sent, before)
            after = merge_members(before, unmask(sent, before))
            await self._row.write(self._sealed.close(after))
            change = updated(Audited.CACHE_CONFIG, self._row.key, before, after)
            await self._records.audit.record(caller, change)
        return after


def unmask(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> _Members:
    """What was sent, with the stored secret where one was sent as it was shown."""
    shown = mask_cache_settings(stored)
    return {
        name: stored[name] if name in stored and value == shown[name] else value
        for name, value in sent.items()
    }


def keep_secrets_home(sent: Mapping[str, Any], stored: Mapping[str, Any], path: str = "") -> None:
    """Refuse a stored secret beside another address. Raises BadRequest."""
    shown = mask_cache_settings(stored)
    new = {name: value for name, value in sent.items() if not (name in stored and value == shown[name])}
    secrets = [name for name in stored if is_credential_path(name)]
    check_destination(stored, new, addresses=_ADDRESSES, secrets=secrets, path=path)


def mask_cache_settings(settings: Mapping[str, Any]) -> _Members:
    """The settings without secrets; of addresses without credentials."""
    return {name: _masked(name, value) for name, value in settings.items()}


def describe_redis_fields(values: Mapping[str, object]) -> list[dict[str, object]]:
    """Every member that is described, with its value; `values` are masked."""
    return [
        {
            "field_name": name,
            "field_type": kind,
            "field_description": meaning,
            "field_value": values.get(name),
            "field_default": None,
            "ui_field_name": name,
        }
        for name, (kind, meaning) in REDIS_FIELDS.items()
    ]


def _masked(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        # Lists of nodes may have passwords in them.
        return value if isinstance(value, bool | int | float) or value is None else "****"
    if is_credential_path(name):
        return mask_text(value)
    return mask_address(value) if "://" in value else value


def _check_size(sent: Mapping[str, Any]) -> None:
    if len(sent) > _MOST_MEMBERS:
        raise BadRequest(
            f"At most {_MOST_MEMBERS} members.", param="cache_settings", type="bad_request_error"
        )
    long = next((name for name, value in sent.items() if len(name) + len(str(value)) > _LONGEST), None)
    if long is not None:
        path = f"cache_settings.{long[:100]}"
        raise BadRequest(f"{path}: at most {_LONGEST} characters.", param=path, type="bad_request_error")
