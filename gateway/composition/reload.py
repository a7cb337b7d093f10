"""Replaces the snapshot: when the operator says so, and when the database's models have changed."""

import asyncio
from collections.abc import Mapping

import msgspec
import structlog

from gateway.catalog.added import AddedModels
from gateway.catalog.price_book import PriceBook, load_price_book
from gateway.catalog.price_schedule import stamp_of
from gateway.clock import datetime_from_nanos
from gateway.composition.snapshots import add_models, apply_snapshot, build_snapshot, with_variables
from gateway.errors import ConfigError, DatabaseUnavailable, StartupError
from gateway.http.opening import tell_model_notices
from gateway.identity.keys.defaults import build_key_defaults
from gateway.identity.newcomers import build_newcomer_defaults
from gateway.inventory.notices import announce_models
from gateway.routing.cooldown import Cooldowns
from gateway.runtime import Gateway, Snapshot
from gateway.settings import Settings, load_settings
from gateway.settings.handover import Handover
from gateway.settings.overlay import Overlay
from gateway.settings.refusals import GENERAL, Refusals

__all__ = ["Reload"]

_RETRY_SECONDS = 1.0


class Reload:
    """Builds snapshots while the gateway runs; requests under way keep the one that they began with.

    One that cannot be built leaves the old one in place and is logged.
    """

    def __init__(self, gateway: Gateway, environ: Mapping[str, str], handover: Handover) -> None:
        self._gateway = gateway
        self._environ = environ
        self._handover = handover
        general = gateway.snapshot.settings.general
        self._look_seconds = max(1.0, general.proxy_config_reload_interval_seconds)
        self._told: dict[str, str] = {}
        self._overlay: Overlay = {}
        self._tried: Overlay | None = {}
        self._priced_at: str | None = None
        self._log = structlog.get_logger(__name__)

    def from_files(self) -> None:
        """Read the configuration anew."""
        gateway = self._gateway
        former = gateway.snapshot
        refusals: Refusals = {}
        try:
            settings = load_settings(
                self._handover.config_path, self._environ, self._handover.flags, self._overlay, refusals
            )
            cooldowns = former.router.cooldowns
            gateway.snapshot = build_snapshot(settings, self._environ, gateway.parts, cooldowns)
        except StartupError as error:
            self._log.error("reload_refused", reason=error.message)
            return
        _forget_changed(former, gateway.snapshot, cooldowns)
        gateway.parts.added.note_environment()
        self._log.info("reloaded")
        self._tell_refusals(refusals)
        tell_model_notices(gateway)

    async def from_database(self) -> None:
        """Serve the models of the database if they have changed. Raises DatabaseUnavailable."""
        gateway = self._gateway
        variables = self._gateway.snapshot.settings.variables
        lent = {**self._environ, **{name: secret.reveal() for name, secret in variables.items()}}
        if not await gateway.parts.added.refresh(lent):
            return
        await self._follow_settings()
        await self._follow_provider()

    async def _follow_settings(self) -> None:
        gateway = self._gateway
        while True:
            former, added = gateway.snapshot, gateway.parts.added.current
            try:
                snapshot = await asyncio.to_thread(self._build, former, added)
            except ConfigError as error:
                self._log.error("models_refused", reason=error.message)
                return
            if gateway.snapshot is former:
                break
            # The files were read anew meanwhile, perhaps without what the database says now.
            self._tried = None
        gateway.snapshot = snapshot
        apply_snapshot(snapshot, gateway.parts)
        _forget_changed(former, snapshot, snapshot.router.cooldowns)
        self._tell_faults()

    def check(self, overlay: Overlay) -> None:
        """Raise ConfigError for settings of the database that could not be taken over.

        What is refused by itself and stands there already keeps nobody from mending the others.
        """
        refusals: Refusals = {}
        self._load(overlay, refusals)
        stored = self._gateway.parts.added.current.overlay
        for name, error in refusals.items():
            if overlay[GENERAL][name] != stored.get(GENERAL, {}).get(name):
                raise error

    def _load(self, overlay: Overlay, refusals: Refusals) -> Settings:
        said = self._handover
        settings = load_settings(said.config_path, self._environ, said.flags, overlay, refusals)
        # What is checked when it is built: a row that is wrong must not keep models from being served.
        build_key_defaults(settings)
        build_newcomer_defaults(settings)
        return settings

    def _build(self, former: Snapshot, added: AddedModels) -> Snapshot:
        """Settings of the database that cannot be taken over are left out, and logged once."""
        settings: Settings | None = None
        if added.overlay != self._tried:
            self._tried = added.overlay
            refusals: Refusals = {}
            try:
                settings = self._load(added.overlay, refusals)
            except ConfigError as error:
                self._log.error("stored_settings_refused", reason=error.message)
            else:
                self._overlay = added.overlay
                self._tell_refusals(refusals)
                # Where the process is and what it was started with is nothing for the database to say.
                environment = former.settings.environment
                settings = msgspec.structs.replace(settings, environment=environment)
        book = self._read_prices(added.prices.stamp, settings or former.settings)
        if book is not None:
            # Other settings, so that nothing is taken over that has a former price.
            settings = msgspec.structs.replace(settings or former.settings)
        return add_models(former, self._environ, self._gateway.parts, added, settings, book)

    def _read_prices(self, stamp: str | None, settings: Settings) -> PriceBook | None:
        """The price book anew, if somebody has asked for it since; one that cannot be read is logged."""
        if stamp == self._priced_at:
            return None
        self._priced_at = stamp
        try:
            return load_price_book(settings)
        except ConfigError as error:
            self._log.error("prices_refused", reason=error.message)
            return None

    async def _keep_schedule(self) -> None:
        """Have all workers read prices anew when it is time: one says so. Raises DatabaseUnavailable."""
        parts = self._gateway.parts
        now = datetime_from_nanos(self._gateway.clock.now_nanos())
        if parts.added.current.prices.is_due(now) and await parts.added.begin_reload(stamp_of(now)):
            async with parts.database.transaction():
                await announce_models(parts.database)

    async def _follow_provider(self) -> None:
        """Have people log in where the database says; in a thread, for the first time imports a library."""
        parts = self._gateway.parts
        stored, variables = parts.added.current.sso, with_variables(self._gateway.snapshot.settings, {})
        try:
            await asyncio.to_thread(parts.logins.provider.take_over, stored, variables)
        except ConfigError as error:
            self._log.error("stored_sso_refused", reason=error.message)

    async def follow(self) -> None:
        """Serve every change of the database's models until cancelled."""
        added = self._gateway.parts.added
        while True:
            await added.wait(self._look_seconds)
            try:
                await self.from_database()
                await self._keep_schedule()
            except DatabaseUnavailable as error:
                self._log.warning("models_wait", reason=error.message)
                await asyncio.sleep(_RETRY_SECONDS)
                added.note_change()

    def _tell_refusals(self, refusals: Refusals) -> None:
        for name, error in refusals.items():
            self._log.error("stored_setting_refused", key=f"{GENERAL}.{name}", reason=error.message)

    def _tell_faults(self) -> None:
        """Log what is wrong with a row once, and not with every change of another one."""
        snapshot = self._gateway.snapshot
        added = self._gateway.parts.added.current
        faults = {
            **snapshot.catalog.faults,
            **{f"credential {name}": text for name, text in added.faults.items()},
            **{f"MCP server {one.row.server_id}": one.fault for one in added.mcp_servers if one.fault},
            **{f"pass-through {name}": text for name, text in snapshot.pass_throughs.faults.items()},
        }
        if added.mcp.servers and not snapshot.hooks.implementations["check_mcp_server"]:
            faults["MCP servers"] = "The plugin 'mcp' is not installed, or 'gatewright.plugins' shuts it out."
        for identifier, fault in faults.items():
            if self._told.get(identifier) != fault:
                self._log.error("not_served", id=identifier, reason=fault)
        self._told = faults


def _forget_changed(former: Snapshot, snapshot: Snapshot, cooldowns: Cooldowns) -> None:
    """A deployment that was changed is given another chance; the others stay where they are."""
    for deployment in (*former.catalog.deployments(), *former.catalog.wildcard_deployments()):
        found = snapshot.catalog.find_deployment(deployment.id)
        # Most are the very same, and comparing all members of a thousand takes its time.
        if found is not deployment and found != deployment:
            cooldowns.forget(deployment.id)
