import os
import subprocess
import sys
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import ConfigError
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.settings import load_settings


def settings_of(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return load_settings(path, {"GATEWAY_DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("06:30", time(6, 30)),
        ("17:30", time(17, 30)),
        ("17:30:05", time(17, 30, 5)),
        ("'17:30'", time(17, 30)),
    ],
)
def test_a_time_of_day_is_read_however_yaml_reads_it(tmp_path, written, read):
    settings = settings_of(tmp_path, f"general_settings: {{budget_reset_time: {written}}}")
    assert build_reset_calendar(settings).day_begins_at == read


def test_the_time_zone_of_litellm_settings_wins(tmp_path):
    text = "litellm_settings: {timezone: Asia/Kolkata}\ngeneral_settings: {timezone: Europe/Berlin}"
    assert build_reset_calendar(settings_of(tmp_path, text)).zone == ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    "text",
    [
        "litellm_settings: {timezone: Mars/Olympus}",
        "litellm_settings: {timezone: ../../etc/passwd}",
        "litellm_settings: {timezone: 7}",
        "general_settings: {budget_reset_time: '25:00'}",
        "general_settings: {budget_reset_time: '06:30+01:00'}",
        "general_settings: {budget_reset_time: true}",
        "general_settings: {budget_reset_time: -128849018881}",
        "general_settings: {budget_reset_time: 128849018881000000000}",
    ],
)
def test_what_is_neither_is_refused_with_its_path(tmp_path, text):
    with pytest.raises(ConfigError) as raised:
        settings_of(tmp_path, text)
    assert raised.value.path is not None


def test_time_zones_are_known_on_a_system_without_any() -> None:
    program = "from zoneinfo import ZoneInfo; print(ZoneInfo('Europe/Zurich').key)"

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stdout == "Europe/Zurich\n", done.stderr


def test_a_cron_expression_is_kept_as_it_is(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, "general_settings: {maximum_spend_logs_cleanup_cron: '30 3 * * MON-FRI'}"
    )
    assert settings.general.cleanup_cron == "30 3 * * MON-FRI"


@pytest.mark.parametrize(
    "written", ["'* * *'", "'61 * * * *'", "'0 0 30 2 *'", "'@daily'", "'0 * * * * *'", "7", "''"]
)
def test_what_is_no_cron_expression_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match="cron expression of five members") as raised:
        settings_of(tmp_path, f"general_settings: {{maximum_spend_logs_cleanup_cron: {written}}}")
    assert raised.value.path == "general_settings.maximum_spend_logs_cleanup_cron"
