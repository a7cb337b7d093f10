from pathlib import Path

import pytest

from gateway.alerts.alerts import Alerts
from gateway.alerts.channels import WebhookChannel
from gateway.alerts.kinds import DEFAULT_TYPES, AlertType
from gateway.alerts.posting import parse_address
from gateway.alerts.store import AlertStore
from gateway.db.engine import Database
from gateway.db.url import parse_database_url
from gateway.jobs.alerting import build_alert_jobs
from gateway.settings import Settings
from gateway.settings.model import Environment
from gateway.testing import FakeClock


@pytest.mark.parametrize(
    ("types", "count"),
    [
        (DEFAULT_TYPES, 3),
        ({AlertType.DAILY_REPORTS, AlertType.SPEND_REPORTS}, 2),
        ({AlertType.TEAM_UPDATED}, 1),
        ({AlertType.BUDGETS}, 0),
    ],
)
def test_a_job_runs_where_somebody_wants_to_hear_of_it(types: set[AlertType], count: int) -> None:
    database, clock = Database(parse_database_url("postgresql://u@127.0.0.1:9/d")), FakeClock()
    channel = WebhookChannel(parse_address("http://127.0.0.1:9/"), types=frozenset(types))
    alerts = Alerts(AlertStore(database), [channel], clock)
    settings = Settings(environment=Environment(data_dir=Path()))
    assert len(build_alert_jobs(settings, database, clock, "me", alerts)) == count
