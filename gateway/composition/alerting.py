"""Who tells what, where anybody wants to hear it."""

from gateway.alerts.alerts import Alerts
from gateway.alerts.health import HealthAlerts, HealthSigns
from gateway.alerts.kinds import AlertType
from gateway.alerts.upstreams import UpstreamAlerts
from gateway.clock import Clock
from gateway.runtime import Gateway
from gateway.settings import Settings

__all__ = ["build_upstream_alerts", "watch_health"]

_OF_PROVIDERS = (
    *(AlertType.LLM_EXCEPTIONS, AlertType.LLM_TOO_SLOW, AlertType.COOLDOWN),
    *(AlertType.OUTAGE, AlertType.REGION_OUTAGE),
)
_OF_HEALTH = (AlertType.LLM_HANGING, AlertType.DATABASE, AlertType.TRACKING)
_NANOS_PER_MS = 1_000_000


def build_upstream_alerts(alerts: Alerts, clock: Clock, settings: Settings) -> UpstreamAlerts | None:
    """Who is told of providers; nobody where no channel takes it."""
    if not alerts.tells(*_OF_PROVIDERS):
        return None
    return UpstreamAlerts(alerts.tell, clock, settings.general.alerting_threshold_seconds)


def watch_health(gateway: Gateway, settings: Settings) -> None:
    """Let the gateway look after itself, and hear of its providers, as far as anybody wants to be told."""
    parts = gateway.parts
    gateway.snapshot.router.cooldowns.watch = parts.upstream_alerts
    if not parts.alerts.tells(*_OF_HEALTH):
        return

    def list_hanging(seconds: float) -> list[str]:
        now_ms = parts.clock.now_nanos() // _NANOS_PER_MS
        return gateway.under_way.list_before(now_ms - int(seconds * 1_000))

    signs = HealthSigns(
        hanging=list_hanging,
        is_database_reachable=parts.database.is_reachable,
        is_recording=lambda: parts.journal.is_healthy,
        unbooked=lambda: parts.drain.rejected_records,
    )
    gateway.health = HealthAlerts(parts.alerts.tell, signs, settings.general.alerting_threshold_seconds)
