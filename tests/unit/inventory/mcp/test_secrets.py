"""What is stored of the secrets of MCP servers, read by LiteLLM's algorithm and not by the gateway's own."""

import base64
import json

import pytest
from nacl.exceptions import CryptoError

from gateway.db.sealing import Seal
from gateway.domain import Secret
from gateway.inventory.mcp.secrets import close_secrets
from tests.litellm_secrets import CREDENTIALS, HEADERS, SALT, open_as_litellm


def test_the_algorithm_opens_what_litellm_wrote_in_both_layouts() -> None:
    assert json.loads(open_as_litellm(HEADERS, SALT)) == {"X-Key": "header-secret"}
    assert open_as_litellm(CREDENTIALS["auth_value"], SALT) == "av"


@pytest.mark.parametrize("column", ["static_headers", "env"])
def test_headers_and_environment_are_one_text_to_litellm(column: str) -> None:
    values = {"X-Key": "header-secret", "Ключ": 'two\nlines, "quotes" and ünïcode 🔑', "empty": ""}
    stored = close_secrets({column: values}, Seal(Secret(SALT)))[column]
    assert json.loads(open_as_litellm(stored, SALT)) == values


def test_credentials_are_texts_of_their_own_to_litellm_and_notes_are_as_they_are() -> None:
    secrets = {"auth_value": "av", "client_id": "c", "client_secret": "s-ü", "aws_secret_access_key": "k"}
    notes = {name: CREDENTIALS[name] for name in CREDENTIALS if name != "auth_value"}
    assert "dcr_issuer" in notes
    stored = close_secrets({"credentials": {**secrets, **notes}}, Seal(Secret(SALT)))["credentials"]
    assert {name: open_as_litellm(stored[name], SALT) for name in secrets} == secrets
    assert {name: stored[name] for name in notes} == notes
    assert stored.keys() == secrets.keys() | notes.keys()


def test_what_is_nothing_stays_nothing_and_other_columns_are_as_they_are() -> None:
    columns = {"static_headers": {}, "env": None, "credentials": None, "url": "http://x"}
    assert close_secrets(columns, Seal(Secret(SALT))) == columns


def test_another_salt_key_opens_nothing_and_no_two_boxes_are_alike() -> None:
    seal = Seal(Secret(SALT))
    one, other = (close_secrets({"env": {"A": "b"}}, seal)["env"] for _ in range(2))
    assert one != other
    with pytest.raises(CryptoError):
        open_as_litellm(one, "sk-another")
    damaged = bytearray(base64.urlsafe_b64decode(one))
    damaged[-1] ^= 1
    with pytest.raises(CryptoError):
        open_as_litellm(base64.urlsafe_b64encode(damaged).decode(), SALT)
