"""`gatewright secrets` from the shell."""

import asyncio
import json
from pathlib import Path

from gateway.db.embedded import EmbeddedPostgres
from gateway.db.sealing import Seal
from gateway.domain import Secret
from tests.integration.cli.conftest import MASTER_KEY, Run
from tests.integration.serving import fetch_rows

NEW_KEY = "sk-new-salt-of-the-tests-0123456789"
INSERT = """
INSERT INTO "LiteLLM_CredentialsTable"
    (credential_id, credential_name, credential_values, created_by, updated_by, updated_at)
VALUES ('id', 'shared', $1::jsonb, 'x', 'x', now())
"""
VALUES = 'SELECT credential_values::text FROM "LiteLLM_CredentialsTable"'


def test_secrets_are_checked_and_rotated(run: Run, running_folder: Path):
    folder = ("--data-dir", str(running_folder))
    assert run("db", "upgrade", *folder).returncode == 0
    with EmbeddedPostgres(running_folder) as database:
        url = database.url
    closed = json.dumps({"api_key": Seal(Secret(MASTER_KEY)).close("sk-upstream")})
    asyncio.run(fetch_rows(url, INSERT, closed))

    checked = run("secrets", "check", *folder)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "LiteLLM_CredentialsTable.credential_values: 1 encrypted" in checked.stdout

    weak = run("secrets", "rotate", *folder, GATEWAY_NEW_SALT_KEY="short")
    assert (weak.returncode, len(weak.stderr.splitlines())) == (1, 1)

    rotated = run("secrets", "rotate", *folder, GATEWAY_NEW_SALT_KEY=NEW_KEY)
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert "1 secrets are encrypted anew." in rotated.stdout
    (row,) = asyncio.run(fetch_rows(url, VALUES))
    assert Seal(Secret(NEW_KEY)).open(json.loads(row["credential_values"])["api_key"]) == "sk-upstream"

    former = run("secrets", "check", *folder)
    assert former.returncode == 1
    assert "credential_values.api_key" in former.stderr
    refused = run("secrets", "rotate", *folder, GATEWAY_NEW_SALT_KEY=NEW_KEY)
    assert refused.returncode == 1
    assert "Nothing was changed" in refused.stderr
    assert run("secrets", "check", *folder, GATEWAY_SALT_KEY=NEW_KEY).returncode == 0
