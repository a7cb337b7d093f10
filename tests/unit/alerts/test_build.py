from pathlib import Path

import msgspec
import pytest

from gateway.alerts.build import build_channels
from gateway.alerts.channels import Channel
from gateway.errors import ConfigError
from gateway.settings import Settings
from gateway.settings.model import Environment, GeneralSettings

SLACK = {"SLACK_WEBHOOK_URL": "https://hooks.example.com/services/secret"}
MAIL = {"SMTP_HOST": "mail.example.com", "SMTP_SENDER_EMAIL": "gw@example.com"}


def names(environ: dict[str, str], **general: object) -> list[str]:
    return [channel.name for channel in channels(environ, **general)]


def channels(environ: dict[str, str], **general: object) -> list[Channel]:
    settings = Settings(environment=Environment(data_dir=Path()))
    given = msgspec.structs.replace(GeneralSettings(), **general)
    settings = msgspec.structs.replace(settings, general=given)
    return list(build_channels(settings, environ))


def test_every_channel_that_is_asked_for_and_equipped_is_built() -> None:
    environ = {**SLACK, **MAIL, "WEBHOOK_URL": "http://alerts.example.com/"}

    assert names(environ, alerting=("slack", "email", "webhook")) == ["slack", "email", "webhook"]
    assert names(environ) == []


def test_a_channel_without_its_variables_is_left_out() -> None:
    assert names({}, alerting=("slack", "email", "webhook")) == []


def test_alert_types_say_what_is_told() -> None:
    types = {kind for channel in channels(SLACK, alerting=("slack",)) for kind in channel.types}
    assert {"budget_alerts", "llm_exceptions", "spend_reports"} <= types
    assert "virtual_key_updated" not in types
    (channel,) = channels(
        SLACK, alerting=("slack",), alert_types=("llm_too_slow", "virtual_key_updated", "x")
    )
    assert channel.types == {"llm_too_slow", "virtual_key_updated"}
    assert names(SLACK, alerting=("slack",), alert_types=()) == []
    assert names({**SLACK, **MAIL}, alerting=("slack", "email"), alert_types=("llm_too_slow",)) == ["slack"]


def test_budget_alerts_can_have_addresses_of_their_own() -> None:
    own = {"budget_alerts": ["https://one.example.com/", "https://two.example.com/"]}

    assert names({}, alerting=("slack",), alert_to_webhook_url=own) == ["slack", "slack"]
    one, two, rest = channels(SLACK, alerting=("slack",), alert_to_webhook_url=own)
    assert one.types == two.types == {"budget_alerts"}
    assert not rest.types & one.types
    assert "llm_exceptions" in rest.types


@pytest.mark.parametrize("url", ["ftp://example.com/", "secret", "https://", "https://a b/"])
def test_an_address_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="WEBHOOK_URL") as caught:
        names({"WEBHOOK_URL": url}, alerting=("webhook",))

    assert url not in caught.value.message or url == "https://"


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "\u0661"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ConfigError, match="SMTP_PORT"):
        names({**MAIL, "SMTP_PORT": port}, alerting=("email",))
