"""Alerts through real servers on loopback, and the database that all workers share."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.alerts.alerts import Alerts
from gateway.alerts.channels import Channel, MailChannel, SlackChannel, WebhookChannel
from gateway.alerts.events import build_notice
from gateway.alerts.kinds import AlertType
from gateway.alerts.mailing import MailServer
from gateway.alerts.posting import parse_address
from gateway.alerts.store import AlertStore
from gateway.db.engine import Database
from gateway.domain import Limit, LimitKind, Principal, Scope, ScopeKind
from gateway.testing import FakeClock, make_principal
from tests.unit.alerts.conftest import Mailbox, Receiver

USD = 1_000_000_000
BUDGET = Limit(scope=Scope(ScopeKind.KEY, "hash"), kind=LimitKind.BUDGET, amount=10 * USD)
TEAM = Limit(scope=Scope(ScopeKind.TEAM, "t"), kind=LimitKind.BUDGET, amount=USD, is_soft=True)
CALLER = make_principal(
    token_hash="hash",
    key_alias="<app> & `more`",
    user_id="u",
    user_email="u@example.com",
    team_id="t",
    team_alias="Team",
)

Make = Callable[..., Alerts]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
async def make(database: Database, clock: FakeClock, pauses: list[float]) -> AsyncIterator[Make]:
    tasks: list[asyncio.Task[None]] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    def build(*channels: Channel) -> Alerts:
        alerts = Alerts(AlertStore(database), channels, clock, pause=pause)
        tasks.append(asyncio.create_task(alerts.run()))
        return alerts

    yield build
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def webhook(receiver: Receiver, seconds: float = 5.0) -> WebhookChannel:
    return WebhookChannel(parse_address(receiver.url), seconds=seconds)


def mail(mailbox: Mailbox) -> MailChannel:
    server = MailServer(host="127.0.0.1", port=mailbox.port, sender="gw@example.com", starttls=False)
    return MailChannel(server, seconds=5.0)


async def test_a_webhook_gets_the_contracts_event(make: Make, receiver: Receiver) -> None:
    alerts = make(webhook(receiver))
    alerts(CALLER, BUDGET, 8 * USD)
    await alerts.flush()

    assert receiver.targets == ["/services/T0/B0/secret"]
    assert receiver.bodies == [
        {
            "event": "max_budget_alert",
            "event_message": "Key Budget: 80% of the Budget Spent",
            "event_group": "key",
            "spend": 8.0,
            "max_budget": 10.0,
            "soft_budget": None,
            "token": "hash",
            "user_id": "u",
            "team_id": "t",
            "team_alias": "Team",
            "organization_id": None,
            "customer_id": None,
            "user_email": "u@example.com",
            "key_alias": "<app> & `more`",
            "projected_exceeded_date": None,
            "projected_spend": None,
        }
    ]


@pytest.mark.parametrize(
    ("spent", "event", "words"),
    [
        (8 * USD, "max_budget_alert", "80% of the Budget Spent"),
        (9 * USD, "threshold_crossed", "15% Threshold Crossed"),
        (9_600_000_000, "threshold_crossed", "5% Threshold Crossed"),
        (10 * USD, "budget_crossed", "Budget Crossed"),
        (25 * USD, "budget_crossed", "Budget Crossed"),
    ],
)
async def test_each_mark_is_an_event(
    make: Make, receiver: Receiver, spent: int, event: str, words: str
) -> None:
    alerts = make(webhook(receiver))
    alerts(CALLER, BUDGET, spent)
    await alerts.flush()

    assert [(body["event"], body["event_message"]) for body in receiver.bodies] == [
        (event, f"Key Budget: {words}")
    ]


async def test_slack_gets_a_text_without_markup_of_strangers(make: Make, receiver: Receiver) -> None:
    alerts = make(SlackChannel(parse_address(receiver.url)))
    alerts(CALLER, BUDGET, 8 * USD)
    alerts(CALLER, BUDGET, 10 * USD)
    await alerts.flush()

    (body,) = receiver.bodies
    assert body["text"].splitlines()[0] == "Key Budget: Budget Crossed"
    assert "*key_alias:* `&lt;app&gt; &amp; 'more'`" in body["text"]
    assert "*spend:* `10.0`" in body["text"]


async def test_a_user_gets_a_mail(make: Make, mailbox: Mailbox) -> None:
    alerts = make(mail(mailbox))
    alerts(CALLER, BUDGET, 8 * USD)
    await alerts.flush()

    ((recipients, message),) = mailbox.mails
    assert recipients == ["u@example.com"]
    assert message["subject"] == "Gatewright: Key Budget: 80% of the Budget Spent"
    assert "key_alias: <app> & `more`" in message.get_content()


@pytest.mark.parametrize(
    ("emails", "recipients"),
    [
        (["a@example.com", 5, "no address"], ["a@example.com"]),
        ("a@example.com, b@example.com", ["a@example.com", "b@example.com"]),
    ],
)
async def test_the_soft_budget_of_a_team_is_told_to_whom_the_team_names(
    make: Make, mailbox: Mailbox, emails: object, recipients: list[str]
) -> None:
    alerts = make(mail(mailbox))
    caller = make_principal(team_id="t", team_metadata={"soft_budget_alerting_emails": emails})
    alerts(caller, TEAM, USD)
    await alerts.flush()

    assert [sent for sent, _ in mailbox.mails] == [recipients]


async def test_the_soft_budget_of_a_team_that_names_nobody_is_not_told(
    make: Make, receiver: Receiver
) -> None:
    alerts = make(webhook(receiver))
    alerts(CALLER, TEAM, USD)
    await alerts.flush()

    assert receiver.bodies == []


async def test_an_alert_goes_out_once_in_24_hours_whichever_worker_sees_it(
    make: Make, receiver: Receiver, clock: FakeClock, database: Database
) -> None:
    one, two = make(webhook(receiver)), make(webhook(receiver))
    for alerts in (one, two, one, two):
        alerts(CALLER, BUDGET, 10 * USD)
        await alerts.flush()
    assert len(receiver.bodies) == 1

    clock.advance(25 * 3600)
    await database.execute("UPDATE gatewright.alert_sent SET sent_at = sent_at - interval '25 hours'")
    for alerts in (one, two):
        alerts(CALLER, BUDGET, 10 * USD)
        await alerts.flush()
    assert len(receiver.bodies) == 2


async def test_a_receiver_that_fails_is_tried_again(
    make: Make, receiver: Receiver, pauses: list[float]
) -> None:
    receiver.answers += [b"HTTP/1.1 500 No\r\n\r\n", b"garbage\r\n", b""]
    alerts = make(webhook(receiver))
    alerts(CALLER, BUDGET, 10 * USD)
    await alerts.flush()

    assert (len(receiver.bodies), alerts.sent, alerts.failed) == (4, 1, 0)
    assert pauses == [1.0, 5.0, 25.0]


async def test_what_could_not_be_delivered_is_told_at_the_next_occasion(
    make: Make, receiver: Receiver
) -> None:
    receiver.answers += [b"HTTP/1.1 404 No\r\n\r\n"] * 4
    alerts = make(webhook(receiver))
    alerts(CALLER, BUDGET, 10 * USD)
    await alerts.flush()
    assert (alerts.sent, alerts.failed) == (0, 1)

    alerts(CALLER, BUDGET, 11 * USD)
    await alerts.flush()
    assert (alerts.sent, len(receiver.bodies)) == (1, 5)


async def test_one_channel_that_fails_keeps_nothing_from_the_others(
    make: Make, receiver: Receiver, mailbox: Mailbox
) -> None:
    mailbox.refusal = "554 No"
    alerts = make(mail(mailbox), webhook(receiver))
    alerts(CALLER, BUDGET, 10 * USD)
    await alerts.flush()

    assert (len(receiver.bodies), alerts.sent, alerts.failed) == (1, 1, 1)


async def test_a_receiver_that_never_answers_is_given_up(make: Make, receiver: Receiver) -> None:
    receiver.answers += [None] * 4
    alerts = make(webhook(receiver, seconds=0.05))
    alerts(CALLER, BUDGET, 10 * USD)
    async with asyncio.timeout(20):
        await alerts.flush()

    assert alerts.failed == 1


async def test_the_queue_is_bounded(database: Database, receiver: Receiver, clock: FakeClock) -> None:
    alerts = Alerts(AlertStore(database), [webhook(receiver)], clock)
    for number in range(1_100):
        limit = Limit(scope=Scope(ScopeKind.KEY, str(number)), kind=LimitKind.BUDGET, amount=USD)
        alerts(Principal(token_hash=str(number)), limit, USD)

    assert alerts.dropped == 100


async def test_without_a_channel_nothing_is_queued(make: Make) -> None:
    alerts = make()
    alerts(CALLER, BUDGET, 10 * USD)
    async with asyncio.timeout(30):
        await alerts.flush()

    assert (alerts.sent, alerts.dropped) == (0, 0)


async def test_a_notice_is_a_text_and_is_told_again_after_its_time(
    make: Make, receiver: Receiver, clock: FakeClock
) -> None:
    alerts = make(SlackChannel(parse_address(receiver.url)))
    notice = build_notice(AlertType.OUTAGE, "one", "Deployment `one` <fails>", quiet_seconds=60, is_own=True)
    for seconds in (0, 59, 1):
        clock.advance(seconds)
        alerts.tell(notice)
    await alerts.flush()
    assert receiver.bodies == [{"text": "*outage_alerts*\nDeployment 'one' &lt;fails&gt;"}] * 2


async def test_a_workers_own_notice_needs_no_database(
    make: Make, receiver: Receiver, database: Database
) -> None:
    alerts = make(WebhookChannel(parse_address(receiver.url)))
    await database.close()
    alerts.tell(build_notice(AlertType.DATABASE, "db", "It is away.", quiet_seconds=60, is_own=True))
    await alerts.flush()
    assert [body["event"] for body in receiver.bodies] == ["db_exceptions"]
    await database.open()


async def test_kinds_that_nobody_wants_are_not_told(make: Make, receiver: Receiver) -> None:
    alerts = make(WebhookChannel(parse_address(receiver.url), types=frozenset({AlertType.OUTAGE})))
    alerts.tell(build_notice(AlertType.DATABASE, "db", "It is away.", quiet_seconds=60))
    await alerts.flush()
    assert receiver.bodies == []
    assert alerts.tells(AlertType.DATABASE, AlertType.OUTAGE)
    assert not alerts.tells(AlertType.DATABASE)
