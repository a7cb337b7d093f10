"""Which channels the settings and the environment ask for."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import structlog

from gateway.alerts.alerts import Alerts
from gateway.alerts.channels import Channel, MailChannel, SlackChannel, WebhookChannel
from gateway.alerts.key_courier import KeyCourier
from gateway.alerts.kinds import DEFAULT_TYPES, AlertType
from gateway.alerts.letters import Letters
from gateway.alerts.mailing import MailServer
from gateway.alerts.posting import Address, parse_address
from gateway.alerts.store import AlertStore
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.domain import Secret
from gateway.errors import ConfigError
from gateway.settings import Settings

__all__ = ["build_alerts", "build_channels", "build_courier", "build_letters"]

_FALSE = frozenset({"false", "0", "no", "off"})
_NEEDED = {
    "slack": ("SLACK_WEBHOOK_URL",),
    "webhook": ("WEBHOOK_URL",),
    "email": ("SMTP_HOST", "SMTP_SENDER_EMAIL"),
}


def build_alerts(settings: Settings, environ: Mapping[str, str], database: Database, clock: Clock) -> Alerts:
    """The alerts of a worker; without channels it tells nothing. Raises ConfigError."""
    return Alerts(AlertStore(database), tuple(build_channels(settings, environ)), clock)


def build_channels(settings: Settings, environ: Mapping[str, str]) -> Iterator[Channel]:
    """The channels of `general_settings.alerting` for which the environment has what they need.

    One whose variables are missing is named in the log and left out: alerting restricts nobody. Raises
    ConfigError for an address or a port that is none.
    """
    general = settings.general
    types = _chosen_types(general.alert_types)
    for name in dict.fromkeys(general.alerting):
        wanted = types if name != "email" else types & MailChannel.types
        if name == "slack":
            own = tuple(_own_channels(general.alert_to_webhook_url, types))
            yield from own
            wanted = types - {kind for channel in own for kind in channel.types}
            if own and not environ.get("SLACK_WEBHOOK_URL"):
                continue
        if not wanted:
            continue
        missing = [variable for variable in _NEEDED[name] if not environ.get(variable)]
        if missing:
            log = structlog.get_logger(__name__)
            log.warning("alerting_incomplete", channel=name, missing=", ".join(missing))
            continue
        yield _build(name, environ, wanted)


def build_courier(settings: Settings, environ: Mapping[str, str]) -> KeyCourier:
    """Who brings new secrets to their users: the webhook and the mails of `general_settings.alerting`.

    Slack gets none: a channel has many readers. Raises ConfigError for an address or a port that is none.
    """
    ready = {
        name for name in settings.general.alerting if all(environ.get(variable) for variable in _NEEDED[name])
    }
    return KeyCourier(
        _read_address(environ["WEBHOOK_URL"], "WEBHOOK_URL") if "webhook" in ready else None,
        _mail_server(environ) if "email" in ready else None,
    )


def build_letters(settings: Settings, environ: Mapping[str, str]) -> Letters:
    """Who mails keys and invitations: the server of the channel `email`. Raises ConfigError."""
    is_ready = all(environ.get(variable) for variable in _NEEDED["email"])
    return Letters(_mail_server(environ) if "email" in settings.general.alerting and is_ready else None)


def _chosen_types(names: tuple[str, ...] | None) -> frozenset[AlertType]:
    """The listed kinds that exist; without a list those that go out by themselves."""
    return DEFAULT_TYPES if names is None else frozenset(kind for kind in AlertType if kind in names)


def _build(name: str, environ: Mapping[str, str], types: frozenset[AlertType]) -> Channel:
    if name == "email":
        return MailChannel(_mail_server(environ))
    variable = _NEEDED[name][0]
    address = _read_address(environ[variable], variable)
    return SlackChannel(address, types=types) if name == "slack" else WebhookChannel(address, types=types)


def _own_channels(addresses: Mapping[str, object], types: frozenset[AlertType]) -> Iterator[SlackChannel]:
    """A channel for every address of a kind of its own."""
    for kind in sorted(types & addresses.keys()):
        given = addresses[kind] or ()
        many = cast("Iterable[object]", (given,) if isinstance(given, str) else given)
        for url in many:
            address = _read_address(str(url), "alert_to_webhook_url")
            yield SlackChannel(address, types=frozenset({AlertType(kind)}))


def _read_address(url: str, path: str) -> Address:
    try:
        return parse_address(url)
    except ValueError as error:
        raise ConfigError(str(error), path=path) from None


def _mail_server(environ: Mapping[str, str]) -> MailServer:
    port = environ.get("SMTP_PORT") or "587"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):  # noqa: PLR2004  the largest port
        raise ConfigError("Expected a port from 1 to 65535.", path="SMTP_PORT")
    password = environ.get("SMTP_PASSWORD")
    return MailServer(
        host=environ["SMTP_HOST"],
        port=int(port),
        sender=environ["SMTP_SENDER_EMAIL"],
        username=environ.get("SMTP_USERNAME") or None,
        password=Secret(password) if password else None,
        starttls=environ.get("SMTP_TLS", "true").strip().lower() not in _FALSE,
    )
