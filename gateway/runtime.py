"""The Gateway: every long-lived object of one process, opened and closed in order."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

import msgspec
import structlog

from gateway.access.checks import AccessChecks
from gateway.access.gate import Gate
from gateway.access.models import ModelLists
from gateway.admission.hookimpls import AdmissionHooks
from gateway.admission.ledger import Ledger
from gateway.admission.sharing import Member, Sharing
from gateway.admission.slow_bodies import SlowBodies
from gateway.admission.standing import StandingBudgets
from gateway.admission.under_way import UnderWay
from gateway.alerts.alerts import Alerts
from gateway.alerts.health import HealthAlerts
from gateway.alerts.letters import Letters
from gateway.alerts.upstreams import UpstreamAlerts
from gateway.audit.reading import AuditReading
from gateway.audit.trail import AuditTrail
from gateway.cache.documents import Documents
from gateway.catalog.added_source import AddedSource
from gateway.catalog.catalog import Catalog
from gateway.catalog.mcp_stock import McpStock
from gateway.catalog.output_sizes import OutputSizes
from gateway.catalog.pass_throughs import PassThroughs
from gateway.clock import Clock
from gateway.db.asking import Colleagues
from gateway.db.engine import Database
from gateway.db.notify import ChangeListener
from gateway.db.vouchers import Vouchers
from gateway.domain import Completion, Deployment, Principal
from gateway.errors import DatabaseUnavailable
from gateway.guardrails.choice import Installed
from gateway.guardrails.policies.book import PolicyBook
from gateway.guardrails.questions import Questions
from gateway.hooks import RequestContext, RequestHead
from gateway.hooks.dispatch import Hooks
from gateway.hooks.registry import LoadedPlugins
from gateway.identity.grants.build import Grants
from gateway.identity.identity_checks import IdentityChecks
from gateway.identity.keys.defaults import KeyDefaults
from gateway.identity.keys.service import KeyService
from gateway.identity.login.build import Logins
from gateway.identity.newcomers import NewcomerDefaults
from gateway.identity.principals import Follower, Principals
from gateway.identity.services import Services
from gateway.identity.signed import TokenSigning
from gateway.identity.subjects import Subjects
from gateway.inventory.services import Inventory
from gateway.jobs.closing import Closings
from gateway.jobs.corrections import Corrections
from gateway.jobs.inside import InnerRequests
from gateway.jobs.keeping import Kept
from gateway.jobs.runner import JobRunner
from gateway.routing.router import Router
from gateway.settings import Settings
from gateway.settings.overlay import Overlay
from gateway.spend.attribution import Attribution
from gateway.spend.builder import CallDetails
from gateway.spend.drain import Drain
from gateway.spend.inspections import Inspections
from gateway.spend.journal import Journal
from gateway.spend.lines import RecordLines
from gateway.spend.recovery import Recovery
from gateway.spend.reporting.reports import Reports
from gateway.spend.store import SpendStore
from gateway.upstream.client import UpstreamClient
from gateway.upstream.clients import UpstreamClients
from gateway.upstream.dialect import CallBounds

__all__ = [
    "Authentication",
    "CoreRules",
    "Gateway",
    "Interruptible",
    "Parts",
    "Readiness",
    "Snapshot",
]

_Value = TypeVar("_Value")
_CLOSE_SECONDS = 10.0
_ALERT_SECONDS = 5.0


class Interruptible(Protocol):
    """A request under way that a stopping server can end."""

    def stop(self) -> None:
        """End it with an answer that says why."""
        ...


class Authentication(Protocol):
    """The hook `authenticate` of the core, and what it remembers of callers."""

    @property
    def followers(self) -> tuple[Follower, ...]:
        """Caches to be forgotten with what is remembered of keys."""
        ...

    async def authenticate(self, head: RequestHead) -> Principal:
        """Return who is calling; raises GatewayError."""
        ...


class CoreRules(msgspec.Struct, frozen=True, kw_only=True):
    """Those hook implementations of the core that others ask too; guardrails and policies."""

    gate: Gate
    authentication: Authentication
    signing: TokenSigning | None
    """What signs the tokens of clients of MCP, if anything does."""
    checks: AccessChecks
    admission: AdmissionHooks
    guardrails: tuple[Installed, ...]
    policies: PolicyBook


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a reload replaces; a request reads one snapshot from its beginning to its end."""

    settings: Settings
    catalog: Catalog
    router: Router
    plugins: LoadedPlugins
    core: CoreRules
    model_lists: ModelLists
    body_bytes: int
    bounds: CallBounds
    key_defaults: KeyDefaults
    newcomers: NewcomerDefaults
    pass_throughs: PassThroughs
    pass_through_hooks: Hooks
    """The compiled hooks of pass-throughs: their checks stand in the place of those of model requests."""

    @property
    def hooks(self) -> Hooks:
        """The compiled hooks."""
        return self.plugins.hooks


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway needs in order to serve, and whether it has it."""

    is_database_reachable: bool
    is_journal_writable: bool
    is_stopping: bool
    undrained_bytes: int

    @property
    def is_ready(self) -> bool:
        """Whether new requests should be sent here."""
        return self.is_database_reachable and self.is_journal_writable and not self.is_stopping


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The objects that live as long as the process; the composition root builds them."""

    added: AddedSource
    mcp_stock: McpStock
    clock: Clock
    database: Database
    listener: ChangeListener
    ledger: Ledger
    journal: Journal
    drain: Drain
    recovery: Recovery
    records: RecordLines
    attribution: Attribution
    spend: SpendStore
    principals: Principals
    subjects: Subjects
    standing: StandingBudgets
    sharing: Sharing | None
    member: Member | None
    colleagues: Colleagues
    inspections: Inspections
    inventory: Inventory
    keys: KeyService
    management: Services
    logins: Logins
    audit: AuditTrail
    audit_reading: AuditReading
    clients: UpstreamClients
    documents: Documents[Mapping[str, object]]
    vouchers: Vouchers
    grants: Grants
    mcp_identities: IdentityChecks
    alerts: Alerts
    upstream_alerts: UpstreamAlerts | None
    letters: Letters
    corrections: Corrections
    reports: Reports
    jobs: tuple[JobRunner, ...] = ()
    output_sizes: OutputSizes = msgspec.field(default_factory=OutputSizes)
    questions: Questions = msgspec.field(default_factory=Questions)
    closings: Closings = msgspec.field(default_factory=Closings)
    inside: InnerRequests = msgspec.field(default_factory=InnerRequests)
    kept: Kept = msgspec.field(default_factory=Kept)


class Gateway:
    """One gateway process; `create_app` builds it, and nothing of it is global."""

    def __init__(self, parts: Parts, snapshot: Snapshot) -> None:
        self.parts = parts
        self.snapshot = snapshot
        self.clock = parts.clock
        self.is_stopping = False
        self.open_at_stop = 0
        self.streams: set[Interruptible] = set()
        self.bodies = SlowBodies(parts.clock)
        self.under_way = UnderWay()
        self.checking = asyncio.Lock()
        self.health: HealthAlerts | None = None
        self.prepare_database: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.check_overlay: Callable[[Overlay], None] | None = None
        self.jobs: list[JobRunner] = list(parts.jobs)
        self._jobs: list[asyncio.Task[None]] = []
        self._background: set[asyncio.Task[Any]] = set()
        self._log = structlog.get_logger(__name__)

    async def open(self) -> None:
        """Open everything in the order in which it is needed; raises StartupError or DatabaseUnavailable."""
        await self.parts.database.open()
        if self.prepare_database is not None:
            await self.prepare_database()
        await asyncio.to_thread(self.parts.journal.open)
        await self.parts.listener.start()
        await self.parts.standing.refresh()
        if self.parts.member is not None:
            await self.parts.member.open()
            self._jobs.append(asyncio.create_task(self.parts.member.run()))
        if self.health is not None:
            self._jobs.append(asyncio.create_task(self.health.run()))
        parts = self.parts
        jobs = (job.run() for job in self.jobs)
        own = (parts.recovery, parts.drain, parts.inspections, parts.alerts, parts.standing)
        for job in (*(one.run() for one in own), *jobs):
            self._jobs.append(asyncio.create_task(job))

    async def close(self) -> None:
        """Bring what is recorded into the database, if it can be reached, and close everything."""
        self.begin_stop()
        if self._background:
            await asyncio.wait(self._background, timeout=_CLOSE_SECONDS)
        await self.parts.inspections.close(_CLOSE_SECONDS)
        await self.parts.alerts.close(_ALERT_SECONDS)
        await self._stop_jobs()
        await self.parts.listener.stop()
        await self._drain_rest()
        if self.parts.member is not None:
            await self.parts.member.close()
        self.parts.recovery.close()
        await asyncio.to_thread(self.parts.journal.close)
        await self.parts.closings.close(_CLOSE_SECONDS)
        await self.parts.principals.close()
        await self.parts.subjects.close()
        await self.parts.documents.close()
        await self.parts.grants.clients.close()
        await self.parts.clients.close()
        await self.parts.database.close()

    def begin_stop(self) -> None:
        """Tell balancers to look elsewhere; requests under way go on."""
        if not self.is_stopping:
            self.is_stopping, self.open_at_stop = True, self.parts.journal.open_count

    def end_streams(self) -> None:
        """End the streams that are still open, with an event that says why."""
        for stream in list(self.streams):
            stream.stop()

    def client_for(self, deployment: Deployment) -> UpstreamClient:
        """Return the HTTP client that suits a deployment."""
        return self.parts.clients.client_for(deployment)

    def record_opened(self, context: RequestContext, details: CallDetails) -> None:
        """Write down that a request was admitted; raises ServiceUnavailable when that is impossible."""
        line = self.parts.records.opened(context, details)
        self.parts.journal.append_opened_line(context.charge_id, line)

    def record_progress(
        self, context: RequestContext, details: CallDetails, spent_nanos: int, spent_tokens: int
    ) -> None:
        """Write down what a stream has come to so far, in case that nobody lives to settle it.

        Raises ServiceUnavailable when that is impossible.
        """
        line = self.parts.records.progressed(context, details, spent_nanos, spent_tokens)
        self.parts.journal.append_opened_line(context.charge_id, line)

    def record(self, context: RequestContext, completion: Completion, details: CallDetails) -> None:
        """Write down how a request ended, and count it for all its scopes."""
        parts = self.parts
        line, scopes = parts.records.charged(context, completion, details)
        if parts.upstream_alerts is not None:
            parts.upstream_alerts.note_completion(completion)
        parts.journal.append_charged_line(completion.charge_id, line, scopes, completion.charge.total)

    def background(self, work: Coroutine[Any, Any, _Value]) -> asyncio.Task[_Value]:
        """Run something that goes on whoever waits for it; a stopping gateway does."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _stop_jobs(self) -> None:
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        for runner in self.jobs:
            await runner.stop()

    async def _drain_rest(self) -> None:
        """Bring what is recorded into the database now, if that is possible; else the next start does it."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.parts.drain.flush()
        except (TimeoutError, DatabaseUnavailable, OSError) as error:
            self._log.warning("journal_kept_for_next_start", reason=str(error) or type(error).__name__)

    async def readiness(self) -> Readiness:
        """Look whether everything that is needed is there."""
        return Readiness(
            is_database_reachable=await self.parts.database.is_reachable(),
            is_journal_writable=self.parts.journal.is_healthy,
            is_stopping=self.is_stopping,
            undrained_bytes=self.parts.drain.lag_bytes,
        )
