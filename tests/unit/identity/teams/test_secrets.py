"""Secrets in a team's metadata."""

from typing import Any

from gateway.audit.masking import MASK
from gateway.db.sealing import Seal
from gateway.domain import Secret
from gateway.identity.teams.secrets import TeamSecrets, shown_metadata

SEAL = Seal(Secret("a salt key of the tests"))
SECRETS = TeamSecrets(SEAL)
PLAIN: dict[str, Any] = {
    "callback_settings": {"success_callback": ["langfuse"], "callback_vars": {"langfuse_secret": "s3cret"}},
    "logging": [{"callback_name": "otel", "callback_vars": {"headers": "x=1"}}],
    "project_key": "no secret of ours",
}


def test_secrets_are_kept_encrypted_and_shown_masked():
    stored = SECRETS.close(PLAIN, {})

    sealed = stored["callback_settings"]["callback_vars"]["langfuse_secret"]
    assert SEAL.open(sealed) == "s3cret" != sealed
    assert SEAL.open(stored["logging"][0]["callback_vars"]["headers"]) == "x=1"
    assert stored["callback_settings"]["success_callback"] == ["langfuse"]
    shown = shown_metadata(stored)
    assert shown["callback_settings"]["callback_vars"] == {"langfuse_secret": MASK}
    assert shown["project_key"] == PLAIN["project_key"]


def test_what_was_read_masked_can_be_sent_back():
    stored = SECRETS.close(PLAIN, {})

    restored = SECRETS.restore({"metadata": shown_metadata(stored)}, stored)

    assert restored["metadata"] == stored
    assert SECRETS.close(restored["metadata"], stored) == stored


def test_a_new_secret_replaces_the_old_one():
    stored = SECRETS.close(PLAIN, {})
    sent = {"callback_settings": {"callback_vars": {"langfuse_secret": "another", "more": "m"}}}

    kept = SECRETS.close(sent, stored)["callback_settings"]["callback_vars"]

    assert {name: SEAL.open(value) for name, value in kept.items()} == {
        "langfuse_secret": "another",
        "more": "m",
    }


def test_other_shapes_pass_as_they_are():
    for metadata in ({}, {"logging": None}, {"logging": "x"}, {"callback_settings": [1, None, {"a": True}]}):
        assert SECRETS.close(metadata, {"logging": {}}) == metadata
        assert SECRETS.restore({"metadata": metadata}, None)["metadata"] == metadata
    assert SECRETS.restore({"metadata": None, "max_budget": 1}, {}) == {"metadata": None, "max_budget": 1}
