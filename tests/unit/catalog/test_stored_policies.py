"""Rows of policies and attachments, as LiteLLM has left them too, become what the configuration would say."""

from typing import Any

import pytest

from gateway.catalog.model_store import AttachmentRow, PolicyRow
from gateway.catalog.stored_policies import read_attachment_row, read_policy_row


def policy(**members: Any) -> PolicyRow:
    columns: dict[str, Any] = {
        "policy_id": "id",
        "policy_name": "p",
        "version_status": "production",
        **dict.fromkeys(("inherit", "description", "guardrails_add", "guardrails_remove")),
        **dict.fromkeys(("condition", "pipeline")),
    }
    return PolicyRow(**columns | members)


def attachment(**members: Any) -> AttachmentRow:
    columns: dict[str, Any] = {
        "attachment_id": "id",
        "policy_name": "p",
        **dict.fromkeys(("scope", "teams", "keys", "models", "tags", "priority", "is_default")),
    }
    return AttachmentRow(**columns | members)


def test_an_empty_row_is_a_policy_without_guardrails() -> None:
    found = read_policy_row(policy(condition="{}"))
    assert (found.entry.name, found.entry.add, found.is_live, found.fault) == ("p", (), True, "")
    assert not read_policy_row(policy(version_status="draft")).is_live


@pytest.mark.parametrize("condition", ['{"model": "gpt-4.*"}', '"{\\"model\\": \\"gpt-4.*\\"}"'])
def test_a_condition_of_litellm_is_read(condition: str) -> None:
    """Some of its releases store JSON as a text of JSON."""
    assert read_policy_row(policy(condition=condition)).entry.condition.models == ("gpt-4*",)


@pytest.mark.parametrize(
    "members",
    [
        {"condition": '{"model": "^(gpt|claude)"}'},
        {"condition": '"no object"'},
        {"condition": "[1]"},
        {"pipeline": '{"steps": []}'},
    ],
)
def test_what_cannot_be_read_is_a_fault_of_a_policy_that_is_known(members: dict[str, str]) -> None:
    found = read_policy_row(policy(**members))
    assert found.fault
    assert (found.entry.name, found.policy_id) == ("p", "id")


def test_an_attachment_without_a_scope_holds_everywhere() -> None:
    assert read_attachment_row(attachment(teams=[], keys=[])).entry.is_global
    found = read_attachment_row(attachment(teams=["t*"], priority=3, is_default=True)).entry
    assert (found.is_global, found.scope.teams) == (False, ("t*",))
    assert (found.priority, found.is_default) == (3, True)


def test_an_attachment_that_cannot_be_read_concerns_everything() -> None:
    found = read_attachment_row(attachment(teams=["(a|b)"]))
    assert found.fault
    assert found.entry.is_global
