"""The composition root: from settings to a Litestar application; nothing else wires."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import structlog
from litestar import Litestar

from gateway.access.models import ModelLists
from gateway.admission.build import build_sharing
from gateway.admission.ledger import Ledger
from gateway.admission.options import build_ledger_options
from gateway.admission.standing import StandingBudgets
from gateway.admission.store import StandingStore
from gateway.alerts.alerts import Alerts
from gateway.alerts.build import build_alerts, build_courier, build_letters
from gateway.audit.reading import AuditReading
from gateway.audit.trail import AuditTrail
from gateway.cache.documents import Documents
from gateway.cache.expiring import Limits
from gateway.catalog.added_source import AddedSource
from gateway.clock import SystemClock
from gateway.composition.alerting import build_upstream_alerts, watch_health
from gateway.composition.application import Lifespan, build_application
from gateway.composition.changes import Changes
from gateway.composition.logins import build_all_logins
from gateway.composition.mcp import build_mcp_grants, build_mcp_identities, build_mcp_stock
from gateway.composition.redis import build_redis_access
from gateway.composition.reload import Reload
from gateway.composition.snapshots import build_snapshot, with_variables
from gateway.db.asking import Colleagues
from gateway.db.engine import Database
from gateway.db.notify import ChangeListener, notify_all
from gateway.db.sealing import Seal
from gateway.db.tables import TABLES
from gateway.db.url import ConnectionOptions, parse_database_url
from gateway.db.vouchers import Vouchers
from gateway.domain import Scope
from gateway.errors import ConfigError, DatabaseUnavailable, ServiceUnavailable, StartupError
from gateway.http.opening import open_gateway, tell_model_notices
from gateway.http.prepare import prepare_database
from gateway.http.stopping import StopSignal
from gateway.identity.grants.build import Grants
from gateway.identity.invalidation import CHANNEL, Invalidation
from gateway.identity.keys.defaults import build_key_defaults
from gateway.identity.keys.service import KeyService
from gateway.identity.login.build import Logins
from gateway.identity.principals import Principals
from gateway.identity.records import Records
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.identity.services import Services, build_service_options, build_services
from gateway.identity.store import KeyStore
from gateway.identity.subject_store import SubjectStore
from gateway.identity.subjects import Subjects
from gateway.inventory.services import Inventory, build_inventory
from gateway.jobs.alerting import build_alert_jobs
from gateway.jobs.build import build_jobs
from gateway.jobs.corrections import Corrections
from gateway.jobs.rotations import KeyRotations
from gateway.jobs.runner import JobRunner
from gateway.pipeline.health.background import build_health_job
from gateway.pipeline.holds import answer_colleagues
from gateway.pipeline.inference import answer_inside
from gateway.pipeline.questions import answer_plugins
from gateway.routing.cooldown import Cooldowns
from gateway.runtime import Gateway, Parts
from gateway.settings import Settings
from gateway.settings.handover import Handover
from gateway.settings.master_key import find_salt_key
from gateway.spend.attribution import Attribution
from gateway.spend.builder import RecordBuilder
from gateway.spend.drain import Drain
from gateway.spend.inspections import Inspections
from gateway.spend.inspections_store import InspectionStore
from gateway.spend.journal import Journal, JournalOptions
from gateway.spend.lines import RecordLines
from gateway.spend.recovery import Recovery
from gateway.spend.rejected import RejectedFile
from gateway.spend.reporting.reports import build_reports
from gateway.spend.standstill import Standstill
from gateway.spend.store import SpendStore
from gateway.spend.undrained import StalePositionError
from gateway.upstream.clients import UpstreamClients
from gateway.upstream.secrets.lookups import SecretLookups

__all__ = ["build_gateway", "create_app"]


def create_app(
    settings: Settings,
    environ: Mapping[str, str],
    handover: Handover | None = None,
    *,
    give_up: Callable[[StartupError], None] | None = None,
) -> Litestar:
    """Build the application of one worker.

    `environ` lends keys and addresses of providers; `handover` is what the command line said, for a reload.
    `give_up` is called with what keeps the opened application from serving, before the server hears of it.
    Raises StartupError for settings, plugins or routes that cannot be served.
    """
    said = handover or Handover(config_path=settings.environment.config_path)
    gateway = build_gateway(settings, environ, said)
    return build_application(gateway, _lifespan(gateway, environ, said, give_up))


def build_gateway(settings: Settings, environ: Mapping[str, str], handover: Handover) -> Gateway:
    """Build every long-lived object of a worker, closed as yet; raises StartupError."""
    parts = _Builder(settings, environ).build()
    gateway = Gateway(parts, build_snapshot(settings, environ, parts, Cooldowns(parts.clock)))

    async def prepare() -> None:
        may_upgrade = handover.may_upgrade and not settings.general.disable_schema_update
        await prepare_database(parts.database, environ, may_upgrade=may_upgrade)

    gateway.prepare_database = prepare
    watch_health(gateway, settings)
    answer_colleagues(gateway)
    answer_plugins(gateway)
    answer_inside(gateway)

    checks = build_health_job(gateway)
    if checks is not None:
        gateway.jobs.append(checks)
    return gateway


class _Builder:
    """Builds the parts of one worker."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = with_variables(settings, environ)
        self._own = settings.gatewright
        self._clock = SystemClock()
        self._calendar = build_reset_calendar(settings)
        self._ledger = Ledger(self._clock, build_ledger_options(settings), calendar=self._calendar)
        options = JournalOptions(
            segment_bytes=self._own.journal_segment_bytes, sync_seconds=self._own.journal_sync_seconds
        )
        self._journal_root = settings.environment.data_dir / "journal"
        self._journal = Journal(self._journal_root, socket.gethostname(), self._clock, options)

    def build(self) -> Parts:
        options = self._database_options()
        database = _bound_database(options)
        sharing = build_sharing(self._settings, self._clock, database, self._calendar, self._journal.name)
        self._ledger = self._ledger if sharing is None else sharing.ledger
        store, principals = self._spend_store(database), self._principals(database)
        subjects = Subjects(SubjectStore(database), self._clock, journal=self._journal.name, seed=self._seed)
        standing, clients = self._standing(database), UpstreamClients(self._own.client_side_networks)
        added = self._added(database, clients)
        drain, recovery = self._drain(store), Recovery(self._journal_root, store, self._clock)
        member = sharing.join(Standstill(recovery, drain, self._journal)) if sharing else None
        recovery.settle_holds = member.settle_holds if member else None
        heard = [one.note_change for one in (standing, member) if one is not None]
        colleagues, vouchers = self._colleagues(database), Vouchers(database, added.seal)
        stock = build_mcp_stock(added, database, self._clock, vouchers)
        changes = Changes(Invalidation(principals, subjects, heard), added, stock, colleagues)
        choices = build_service_options(self._settings, ModelLists().covers, added.seal)
        audit, defaults = AuditTrail(database), build_key_defaults(self._settings)
        documents = Documents(clients.fetcher.read_object, self._clock, absent_on=ServiceUnavailable)
        keys = KeyService(database, self._clock, defaults, choices.covers, self._calendar, audit)
        management = build_services(database, self._clock, keys, self._calendar, choices, audit)
        rotations, alerts = self._rotations(database, management), self._alerts(database)
        return Parts(
            clock=self._clock,
            added=added,
            mcp_stock=stock,
            database=database,
            listener=self._listener(options, changes),
            ledger=self._ledger,
            journal=self._journal,
            drain=drain,
            recovery=recovery,
            records=RecordLines(RecordBuilder()),
            attribution=Attribution(),
            spend=store,
            principals=principals,
            subjects=subjects,
            standing=standing,
            sharing=sharing,
            member=member,
            colleagues=colleagues,
            keys=keys,
            inspections=self._inspections(database, drain),
            inventory=self._inventory(database, audit, added),
            management=management,
            logins=self._logins(database, audit, management, clients, documents, colleagues),
            audit=audit,
            audit_reading=AuditReading(database),
            clients=clients,
            documents=documents,
            vouchers=vouchers,
            grants=self._grants(database, audit, added, vouchers, clients),
            mcp_identities=build_mcp_identities(database, self._records(database, audit), documents),
            alerts=alerts,
            upstream_alerts=build_upstream_alerts(alerts, self._clock, self._settings),
            letters=build_letters(self._settings, self._environ),
            corrections=Corrections(database, audit),
            reports=build_reports(database),
            jobs=self._jobs(database, rotations, alerts),
        )

    def _standing(self, database: Database) -> StandingBudgets:
        store, journal = StandingStore(database), self._journal.name
        return StandingBudgets(store, self._seed, journal, self._clock, self._calendar)

    def _colleagues(self, database: Database) -> Colleagues:
        return Colleagues(partial(notify_all, database, CHANNEL))

    def _listener(self, options: ConnectionOptions, changes: Changes) -> ChangeListener:
        direct = self._direct_options(options)
        return ChangeListener(direct, CHANNEL, changes.apply, changes.forget_everything)

    def _logins(
        self,
        database: Database,
        audit: AuditTrail,
        services: Services,
        clients: UpstreamClients,
        documents: Documents[Mapping[str, object]],
        colleagues: Colleagues,
    ) -> Logins:
        records = self._records(database, audit)
        return build_all_logins(
            self._settings,
            self._environ,
            database,
            records,
            services,
            clients.fetcher,
            documents,
            self._clock,
            colleagues,
        )

    def _records(self, database: Database, audit: AuditTrail) -> Records:
        return Records(database, self._clock, self._calendar, audit)

    def _grants(
        self,
        database: Database,
        audit: AuditTrail,
        added: AddedSource,
        vouchers: Vouchers,
        clients: UpstreamClients,
    ) -> Grants:
        records = self._records(database, audit)
        return build_mcp_grants(database, records, added.seal, vouchers, clients)

    def _added(self, database: Database, clients: UpstreamClients) -> AddedSource:
        secrets = SecretLookups(clients.fetcher, self._clock)
        return AddedSource(database, Seal(find_salt_key(self._settings.environment)), secrets)

    def _inventory(self, database: Database, audit: AuditTrail, added: AddedSource) -> Inventory:
        records = self._records(database, audit)
        networks, redis = self._own.client_side_networks, build_redis_access(self._settings)
        return build_inventory(database, records, added.seal, networks, redis)

    def _spend_store(self, database: Database) -> SpendStore:
        general = self._settings.general
        return SpendStore(
            database,
            writes_logs=not general.disable_spend_logs,
            writes_errors=not general.disable_error_logs,
        )

    def _inspections(self, database: Database, drain: Drain) -> Inspections:
        writes_logs = not self._settings.general.disable_spend_logs
        return Inspections(drain, InspectionStore(database, writes_logs=writes_logs))

    def _alerts(self, database: Database) -> Alerts:
        alerts = build_alerts(self._settings, self._environ, database, self._clock)
        if alerts.is_active:
            self._ledger.watch = alerts
        return alerts

    def _jobs(self, database: Database, rotations: KeyRotations, alerts: Alerts) -> tuple[JobRunner, ...]:
        settings, clock, holder = self._settings, self._clock, self._journal.name
        return (
            *build_jobs(settings, database, clock, holder, rotations),
            *build_alert_jobs(settings, database, clock, holder, alerts),
        )

    def _rotations(self, database: Database, management: Services) -> KeyRotations:
        courier = build_courier(self._settings, self._environ)
        return KeyRotations(database, management.key_moves, courier, self._clock, self._settings.rotation)

    def _drain(self, store: SpendStore) -> Drain:
        rejected = RejectedFile(self._journal_root / f"{self._journal.name}.rejected")
        seconds = self._settings.general.proxy_batch_write_at
        return Drain(self._journal, store, rejected, interval_seconds=seconds)

    def _principals(self, database: Database) -> Principals:
        limits = Limits(ttl_seconds=self._own.key_cache_seconds, capacity=self._own.key_cache_entries)
        return Principals(
            KeyStore(database), self._clock, journal=self._journal.name, seed=self._seed, limits=limits
        )

    def _seed(self, totals: tuple[tuple[Scope, int], ...], position: int) -> None:
        """Set live counters: what the database had at a journal position, and what was charged since."""
        try:
            self._ledger.seed(
                (scope, nanos + self._journal.settled_after(scope, position)) for scope, nanos in totals
            )
        except StalePositionError:
            raise DatabaseUnavailable("The database took too long to answer; try again.") from None

    def _database_options(self) -> ConnectionOptions:
        url = self._settings.environment.database_url
        if url is None:
            raise ConfigError(
                "There is no database: 'gatewright serve' starts one, anything else needs its URL.",
                path="DATABASE_URL",
            )
        general = self._settings.general
        return parse_database_url(url.reveal()).with_pool(
            general.database_connection_pool_limit, general.database_connection_timeout
        )

    def _direct_options(self, options: ConnectionOptions) -> ConnectionOptions:
        direct = self._settings.environment.database_direct_url
        return (
            options if direct is None else parse_database_url(direct.reveal(), variable="DATABASE_DIRECT_URL")
        )


def _bound_database(options: ConnectionOptions) -> Database:
    database = Database(options)
    database.bind(TABLES)
    return database


def _lifespan(
    gateway: Gateway,
    environ: Mapping[str, str],
    handover: Handover,
    give_up: Callable[[StartupError], None] | None,
) -> Lifespan:
    reload = Reload(gateway, environ, handover)
    gateway.check_overlay = reload.check

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        try:
            await open_gateway(gateway)
        except StartupError as error:
            if give_up is not None:
                give_up(error)
            raise
        await _serve_stored_models(reload)
        tell_model_notices(gateway)
        if handover.address:
            structlog.get_logger(__name__).info(f"Gatewright listens on {handover.address}")
        stop = StopSignal(gateway, gateway.snapshot.settings.gatewright.drain_seconds, reload.from_files)
        stop.install()
        following = asyncio.create_task(reload.follow(), name="models")
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            stop.remove()
            await gateway.close()

    return lifespan


async def _serve_stored_models(reload: Reload) -> None:
    """Have the database's models before the first request, if the database can be asked."""
    try:
        await reload.from_database()
    except DatabaseUnavailable as error:
        structlog.get_logger(__name__).warning("models_wait", reason=error.message)
