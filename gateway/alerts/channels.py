"""Where alerts go: Slack, webhooks, e-mail."""

from email.message import EmailMessage
from typing import Protocol

import msgspec

from gateway.alerts.events import Alert
from gateway.alerts.kinds import DEFAULT_TYPES, AlertType
from gateway.alerts.mailing import MailServer, send_mail
from gateway.alerts.posting import Address, post_json
from gateway.domain import BudgetMark

__all__ = ["Channel", "MailChannel", "SlackChannel", "WebhookChannel"]

_SECONDS = 10.0
_SLACK_EVENTS = frozenset({BudgetMark.SOFT, BudgetMark.THRESHOLD, BudgetMark.CROSSED})
_MAIL_EVENTS = frozenset({BudgetMark.SOFT, BudgetMark.NEAR, BudgetMark.CROSSED})


class Channel(Protocol):
    """A way to tell people."""

    @property
    def name(self) -> str:
        """How logs call it."""
        ...

    @property
    def types(self) -> frozenset[AlertType]:
        """The kinds of alert that go this way at all."""
        ...

    def takes(self, alert: Alert) -> bool:
        """Whether this alert goes this way."""
        ...

    async def send(self, alert: Alert) -> None:
        """Send it; raises OSError (also TimeoutError) or PostRefused: then it may be tried again."""
        ...


class WebhookChannel:
    """Posts the event as JSON."""

    name = "webhook"

    def __init__(
        self,
        address: Address,
        *,
        types: frozenset[AlertType] = DEFAULT_TYPES,
        seconds: float = _SECONDS,
    ) -> None:
        self.types = types
        self._address = address
        self._seconds = seconds

    def takes(self, alert: Alert) -> bool:
        """Whether this alert goes this way: each of these kinds does."""
        return alert.type in self.types

    async def send(self, alert: Alert) -> None:
        """Post the event."""
        await post_json(self._address, alert.event, seconds=self._seconds)


class SlackChannel:
    """Posts one text to an incoming webhook of Slack, or of what understands the same."""

    name = "slack"

    def __init__(
        self,
        address: Address,
        *,
        types: frozenset[AlertType] = DEFAULT_TYPES,
        seconds: float = _SECONDS,
    ) -> None:
        self.types = types
        self._address = address
        self._seconds = seconds

    def takes(self, alert: Alert) -> bool:
        """Whether this alert goes this way: of budgets, the 80 percent are for mails."""
        if alert.type is AlertType.BUDGETS and alert.event.event not in _SLACK_EVENTS:
            return False
        return alert.type in self.types

    async def send(self, alert: Alert) -> None:
        """Post the text."""
        await post_json(self._address, {"text": _slack_text(alert)}, seconds=self._seconds)


class MailChannel:
    """Sends mails to the people that an alert names."""

    name = "email"
    types = frozenset({AlertType.BUDGETS})

    def __init__(self, server: MailServer, *, seconds: float = _SECONDS) -> None:
        self._server = server
        self._seconds = seconds

    def takes(self, alert: Alert) -> bool:
        """Whether there is anybody to write to, and it is an event that mails are sent for."""
        return bool(alert.recipients) and alert.event.event in _MAIL_EVENTS

    async def send(self, alert: Alert) -> None:
        """Send one mail to all recipients."""
        message = _mail(alert, self._server.sender)
        await send_mail(self._server, message, alert.recipients, seconds=self._seconds)


def _members(alert: Alert) -> list[tuple[str, str]]:
    """What is known of the event, as names and texts of one line."""
    members: dict[str, object] = msgspec.to_builtins(alert.event)
    return [
        (name, " ".join(str(value).split()))
        for name, value in members.items()
        if value is not None and name != "event_message"
    ]


def _slack_text(alert: Alert) -> str:
    if alert.type is not AlertType.BUDGETS:
        return f"*{alert.type}*\n{_slack_safe(alert.event.event_message)}"
    # In Slack's markup these three signs have to be written so.
    lines = [f"*{name}:* `{_slack_safe(value)}`" for name, value in _members(alert)]
    return "\n".join((alert.event.event_message, *lines))


def _slack_safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


def _mail(alert: Alert, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = f"Gatewright: {alert.event.event_message}"
    message["From"] = sender
    # Not each other's names: the recipients stand in the envelope only.
    message["To"] = sender
    lines = [f"{name}: {value}" for name, value in _members(alert)]
    message.set_content("\n".join((alert.event.event_message, "", *lines, "")))
    return message
