"""The log of a plugin."""

from structlog.testing import capture_logs

from gateway.sdk import plugin_log


def test_every_line_carries_the_plugins_name() -> None:
    with capture_logs() as logs:
        plugin_log("acme").warning("quota_low", left=3)

    assert logs == [{"event": "quota_low", "plugin": "acme", "left": 3, "log_level": "warning"}]
