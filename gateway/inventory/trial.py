"""Tries a model out before it is stored: what could not be served is refused, with the member's path."""

from collections.abc import Mapping

import msgspec

from gateway.catalog.builder import try_model
from gateway.catalog.price_book import PriceBook
from gateway.clock import Clock
from gateway.domain import Deployment
from gateway.errors import BadRequest, ConfigError
from gateway.settings import Credential, Settings
from gateway.settings.stored import read_stored_model

__all__ = ["Trial"]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is tried out with: the settings and prices in use, the database's credentials, `environ`.

    `configured_ids` are those of the configuration's own models.
    """

    settings: Settings
    book: PriceBook
    credentials: dict[str, Credential]
    environ: Mapping[str, str]
    clock: Clock
    configured_ids: frozenset[str] = frozenset()

    def build(
        self, name: str, params: dict[str, object], info: dict[str, object], *, is_tenants: bool
    ) -> Deployment:
        """Build the deployment of a model. Raises BadRequest that names the member which cannot be."""
        members = {"model_name": name, "litellm_params": params, "model_info": info}
        credentials = {**self.settings.credentials, **self.credentials}
        settings = msgspec.structs.replace(self.settings, credentials=credentials)
        now_nanos = self.clock.now_nanos()
        try:
            entry = read_stored_model(members, "", None if is_tenants else self.environ)
            return try_model(
                entry, settings, self.book, self.environ, is_tenants=is_tenants, now_nanos=now_nanos
            )
        except ConfigError as error:
            raise BadRequest(error.message, param=error.path, type="bad_request_error") from error
