"""Mails that somebody asked for: keys and invitations."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.alerts.build import build_letters
from gateway.alerts.letters import Invitation, KeyLetter, Letters
from gateway.alerts.mailing import MailServer
from gateway.domain import Secret
from gateway.settings import Settings
from gateway.settings.model import Environment, GeneralSettings
from tests.unit.alerts.conftest import Mailbox

SECRET = "sk-the-new-secret-0123456789"
KEY = KeyLetter(recipient="u@example.com", secret=Secret(SECRET), name="reports", base_url="https://gw")


def letters_by(mailbox: Mailbox, *pauses: float) -> Letters:
    server = MailServer(host="127.0.0.1", port=mailbox.port, sender="gw@example.com", starttls=False)
    return Letters(server, pauses=pauses)


async def test_a_key_goes_to_its_user(mailbox: Mailbox) -> None:
    await letters_by(mailbox).send_key(KEY)
    ((recipients, mail),) = mailbox.mails
    assert (recipients, mail["To"], mail["From"]) == (["u@example.com"], "u@example.com", "gw@example.com")
    assert "reports" in mail.get_content()
    assert SECRET in mail.get_content()


async def test_an_invitation_says_how_to_claim_it_and_until_when(mailbox: Mailbox) -> None:
    invitation = Invitation(
        recipient="u@example.com",
        user_id="ada",
        id=Secret("the-id"),
        expires_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        base_url="https://gw",
    )
    await letters_by(mailbox).send_invitation(invitation)
    text = mailbox.mails[0][1].get_content()
    assert "https://gw/ui?invitation_id=the-id" in text
    assert "POST https://gw/onboarding/claim_token" in text
    assert '{"invitation_link":"the-id","user_id":"ada","password":"..."}' in text
    assert "2026-03-01 12:00 UTC" in text


async def test_names_of_clients_make_no_lines_and_no_headers(mailbox: Mailbox) -> None:
    name, recipient = "a\n\nPay here: x", "u@example.com\n"
    await letters_by(mailbox).send_key(KeyLetter(recipient=recipient, secret=Secret(SECRET), name=name))
    ((recipients, mail),) = mailbox.mails
    assert (recipients, mail["To"]) == (["u@example.com"], "u@example.com")
    assert "a Pay here: x" in mail.get_content()


async def test_a_failure_is_tried_again_and_then_logged_without_the_secret(mailbox: Mailbox) -> None:
    mailbox.refusal = "451 later"
    with capture_logs() as logs:
        await letters_by(mailbox, 0.0, 0.0).send_key(KEY)
    (line,) = logs
    assert (line["event"], line["letter"], line["recipient"]) == ("letter_not_sent", "key", "u@example.com")
    assert SECRET not in str(line)
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("alerting", "environ", "expected"),
    [
        (("email",), {"SMTP_HOST": "h", "SMTP_SENDER_EMAIL": "s@h"}, True),
        (("email",), {"SMTP_HOST": "h"}, False),
        (("slack",), {"SMTP_HOST": "h", "SMTP_SENDER_EMAIL": "s@h"}, False),
    ],
)
def test_there_is_a_server_where_mails_are_set_up(
    alerting: tuple[str, ...], environ: dict[str, str], *, expected: bool, tmp_path: Path
) -> None:
    settings = Settings(
        environment=Environment(data_dir=tmp_path), general=GeneralSettings(alerting=alerting)
    )
    assert build_letters(settings, environ).can_send is expected
