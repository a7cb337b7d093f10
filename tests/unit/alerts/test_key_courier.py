"""New secrets on their way to the users of rotated keys."""

from datetime import UTC, datetime
from pathlib import Path

from structlog.testing import capture_logs

from gateway.alerts.build import build_courier
from gateway.alerts.key_courier import KeyCourier, NewSecret
from gateway.alerts.mailing import MailServer
from gateway.alerts.posting import parse_address
from gateway.domain import Secret
from gateway.settings import Settings
from gateway.settings.model import Environment, GeneralSettings
from tests.unit.alerts.conftest import Mailbox, Receiver

SECRET = "sk-the-new-secret-0123456789"
NEW = NewSecret(
    secret=Secret(SECRET),
    token="hash",
    key_name="sk-...6789",
    key_alias="reports",
    user_id="u",
    user_email="u@example.com",
    old_key_valid_until=datetime(2026, 3, 1, 12, tzinfo=UTC),
)


def server_of(mailbox: Mailbox) -> MailServer:
    return MailServer(host="127.0.0.1", port=mailbox.port, sender="gw@example.com", starttls=False)


async def test_a_webhook_gets_the_secret_as_an_event(receiver: Receiver) -> None:
    courier = KeyCourier(parse_address(receiver.url), None)
    assert courier.reaches(None)
    assert await courier.deliver(NEW)
    (body,) = receiver.bodies
    assert (body["event"], body["event_group"], body["key"]) == ("key_rotated", "key", SECRET)
    assert (body["token"], body["key_alias"], body["user_email"]) == ("hash", "reports", "u@example.com")
    assert body["old_key_valid_until"] == "2026-03-01T12:00:00Z"


async def test_the_user_gets_a_mail(mailbox: Mailbox) -> None:
    courier = KeyCourier(None, server_of(mailbox))
    assert courier.reaches("u@example.com")
    assert not courier.reaches(None)
    assert await courier.deliver(NEW)
    ((recipients, message),) = mailbox.mails
    assert recipients == ["u@example.com"]
    assert SECRET in message.get_content()
    assert "2026-03-01 12:00 UTC" in message.get_content()


async def test_one_way_is_enough_and_none_is_said_so(receiver: Receiver, mailbox: Mailbox) -> None:
    courier = KeyCourier(parse_address(receiver.url), server_of(mailbox))
    receiver.answers = [b"HTTP/1.1 500 Oh\r\n\r\n", b"HTTP/1.1 500 Oh\r\n\r\n"]
    with capture_logs() as logs:
        assert await courier.deliver(NEW)
        mailbox.refusal = "554 no"
        assert not await courier.deliver(NEW)
    assert {entry["event"] for entry in logs} == {"new_secret_not_sent"}
    assert SECRET not in str(logs)


def test_slack_gets_no_secrets() -> None:
    settings = Settings(
        environment=Environment(data_dir=Path()),
        general=GeneralSettings(alerting=("slack", "webhook", "email")),
    )
    courier = build_courier(settings, {"SLACK_WEBHOOK_URL": "https://hooks.example.com/x"})
    assert not courier.reaches("u@example.com")
    courier = build_courier(settings, {"WEBHOOK_URL": "https://hooks.example.com/x"})
    assert courier.reaches(None)
