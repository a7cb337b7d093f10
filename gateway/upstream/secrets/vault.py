"""Reads HashiCorp Vault's key-value store (https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2)."""

from typing import Any

import msgspec

from gateway.errors import ServiceUnavailable
from gateway.settings.secret_managers import VaultSettings
from gateway.upstream.fetching import Fetcher

__all__ = ["Vault"]

_MEMBER = "key"
"""The member of a secret that has its text, as the contract has it."""
_OK, _FORBIDDEN, _MISSING = 200, 403, 404
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Vault:
    """One Vault. A token that an AppRole was given is used until Vault refuses it."""

    def __init__(self, settings: VaultSettings, fetcher: Fetcher) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._token = "" if settings.token is None else settings.token.reveal()

    async def check(self) -> None:
        """Ask about the token. Raises ServiceUnavailable."""
        status, _ = await self._get("auth/token/lookup-self", self._settings.login_namespace)
        if status != _OK:
            raise _refused(status)

    async def read(self, name: str) -> str | None:
        """The member `key` of a secret's newest version. Raises ServiceUnavailable."""
        settings = self._settings
        path = "/".join(part for part in (settings.mount, "data", settings.prefix, name) if part)
        status, body = await self._get(path, settings.secret_namespace)
        if status == _MISSING:
            return None
        if status != _OK:
            raise _refused(status)
        found = _members(body, "data", "data").get(_MEMBER)
        return found if isinstance(found, str) else None

    async def _get(self, path: str, namespace: str) -> tuple[int, bytes]:
        """Ask with the token; with an AppRole once more, with another token, if this one is refused."""
        if not self._token:
            await self._log_in()
        answer = await self._ask(path, namespace)
        if answer[0] == _FORBIDDEN and self._settings.token is None:
            await self._log_in()
            answer = await self._ask(path, namespace)
        return answer

    async def _ask(self, path: str, namespace: str) -> tuple[int, bytes]:
        headers = {"x-vault-token": self._token, **_named(namespace)}
        return await self._fetcher.ask(f"{self._settings.address}/v1/{path}", headers)

    async def _log_in(self) -> None:
        settings = self._settings
        secret = "" if settings.role_secret is None else settings.role_secret.reveal()
        body = msgspec.json.encode({"role_id": settings.role_id, "secret_id": secret})
        url = f"{settings.address}/v1/auth/{settings.role_mount}/login"
        status, answer = await self._fetcher.ask(url, _named(settings.login_namespace), body)
        token = _members(answer, "auth").get("client_token") if status == _OK else None
        if not isinstance(token, str):
            raise _refused(status)
        self._token = token


def _named(namespace: str) -> dict[str, str]:
    return {"x-vault-namespace": namespace} if namespace else {}


def _refused(status: int) -> ServiceUnavailable:
    return ServiceUnavailable(f"Vault answered with status {status}.")


def _members(body: bytes, *path: str) -> dict[str, Any]:
    """The object at a path of an answer; an empty one where the answer has another shape."""
    try:
        found: Any = _decode(body)
        for name in path:
            found = found[name]
        return msgspec.convert(found, dict[str, Any])
    except (msgspec.MsgspecError, KeyError, TypeError, RecursionError):
        return {}
