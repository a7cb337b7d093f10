"""Signatures of AWS, version 4, with the operator's keys, those of the machine, or those of a role.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    Credentials,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from gateway.clock import Clock
from gateway.errors import UpstreamError
from gateway_mcp.upstreams import Upstream

__all__ = ["SigV4"]

_SERVICE, _SESSION = "bedrock-agentcore", "gatewright"
_NANOS = 1_000_000_000
_FRESH_SECONDS, _PAUSE_SECONDS = 60, 10
"""The library gets other keys ten minutes before those of a role end, so these hold for a minute."""
_NETWORK = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


class SigV4:
    """Signs requests to one server."""

    def __init__(self, upstream: Upstream, clock: Clock) -> None:
        self._upstream = upstream
        self._clock = clock
        settings = upstream.settings
        self._region = settings.aws_region_name
        self._service = settings.aws_service_name or _SERVICE
        self._stated: Any = None
        if settings.aws_access_key_id:
            self._stated = Credentials(
                settings.aws_access_key_id, settings.aws_secret_access_key, settings.aws_session_token or None
            )
        self._source: Any = None
        self._frozen: Any = self._stated
        self._refusal: UpstreamError | None = None
        is_lasting = self._stated is not None and not settings.aws_role_name
        self._ends_at: int | None = None if is_lasting else clock.monotonic_nanos()
        self._looking = asyncio.Lock()

    async def sign(self, method: str, url: str, kind: str, body: bytes) -> Mapping[str, str]:
        """The headers of a signature over method, address, type and body. Raises UpstreamError."""
        keys = await self._find()
        request = AWSRequest(method, url, {"content-type": kind} if kind else {}, body)
        signer: Any = SigV4Auth(keys, self._service, self._region)
        signer.add_auth(request)
        return {name.lower(): str(value) for name, value in request.headers.items()}

    async def _find(self) -> Any:
        if not self._is_fresh():
            async with self._looking:
                if not self._is_fresh():
                    # It may read files, and ask the machine's own service and that of roles.
                    await self._renew()
        if self._refusal is not None:
            raise UpstreamError(self._refusal.message)
        return self._frozen

    def _is_fresh(self) -> bool:
        return self._ends_at is None or self._clock.monotonic_nanos() < self._ends_at

    async def _renew(self) -> None:
        seconds, self._refusal = _FRESH_SECONDS, None
        try:
            self._frozen = await asyncio.to_thread(self._look)
        except UpstreamError as error:
            # Who comes again and again asks nobody.
            seconds, self._refusal = _PAUSE_SECONDS, error
        self._ends_at = self._clock.monotonic_nanos() + seconds * _NANOS

    def _look(self) -> Any:
        """Keys to sign with now. Raises UpstreamError."""
        try:
            self._source = self._source or self._open()
            return self._source.get_frozen_credentials()
        except ClientError as error:
            said = cast("dict[str, Any]", error.response).get("Error", {})
            raise self._refuse(f"AWS says {str(said.get('Code', 'no'))[:100]}") from None
        except (BotoCoreError, KeyError, RuntimeError) as error:
            # The last two are said of keys that are incomplete, or over when they come.
            raise self._refuse(type(error).__name__) from None

    def _open(self) -> Any:
        settings = self._upstream.settings
        session: Any = Session()
        source = self._stated or session.get_credentials()
        if source is None:
            raise self._refuse("the machine has none, nor do the settings")
        if not settings.aws_role_name:
            return source
        # The library leaves its parts untyped.
        fetcher: Any = AssumeRoleCredentialFetcher(
            partial(session.create_client, region_name=self._region, config=_NETWORK),
            source,
            settings.aws_role_name,
            extra_args={"RoleSessionName": settings.aws_session_name or _SESSION},
        )
        return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")

    def _refuse(self, reason: str) -> UpstreamError:
        return UpstreamError(
            f"A request to the MCP server '{self._upstream.name}' is signed with keys of AWS, and there are "
            f"none: {reason}. An administrator can check the settings that begin with 'aws_'."
        )
