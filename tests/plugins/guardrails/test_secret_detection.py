"""The guardrail `secret_detection`, through the plugin as an entry point loads it."""

import time
from typing import Any

import gateway_guardrails
import pytest
from gateway_guardrails.detectors import KINDS
from gateway_guardrails.secret_finder import SecretFinder
from structlog.testing import capture_logs

from gateway.domain import Endpoint
from gateway.errors import GuardrailBlocked, PluginError
from gateway.hooks import Hooks
from gateway.testing import load_plugin, make_context

# Joined here so that no scanner takes this file for a leak.
SECRETS = {
    "aws_access_key_id": "AKIA" + "QYLPMN5HHHFPZAM2",
    "github_token": "ghp_" + "1234567890abcdefghijklmnopqrstuvwxyz",
    "api_key": "sk-" + "ant-api03-abcdefghijklmnopqrstuvwxyz_0123",
    "slack_token": "xoxb-" + "123456789012-abcdefABCDEF",
    "google_api_key": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\nabc=\n-----END RSA PRIVATE KEY-----",
}


def load(**parameters: Any) -> Hooks:
    return load_plugin(gateway_guardrails, {"secret_detection": parameters}, name="guardrails")


async def guard(text: str, **parameters: Any) -> str:
    context = make_context({"messages": [{"role": "user", "content": text}]})
    await load(**parameters).guard_request(context)
    messages: Any = context.body.read("messages")
    return messages[0]["content"]


@pytest.mark.parametrize("kind", SECRETS)
async def test_every_kind_is_masked_and_the_text_around_it_stays(kind: str) -> None:
    assert await guard(f"before ({SECRETS[kind]}) after") == f"before ([REDACTED:{kind}]) after"


@pytest.mark.parametrize("kind", SECRETS)
async def test_every_kind_is_blocked_without_being_repeated(kind: str) -> None:
    with pytest.raises(GuardrailBlocked) as caught:
        await guard(f"look: {SECRETS[kind]}", action="block")

    error = caught.value
    assert error.details == {"guardrail": "secret_detection", "kind": kind}
    assert error.param == "messages[0].content"
    assert kind in error.message
    assert SECRETS[kind] not in f"{error.message} {error.details} {error.headers}"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('password = "x7Kq9-pL2m"', 'password = "[REDACTED:generic_secret]"'),
        ("DB_PASSWORD=x7Kq9-pL2m", "DB_PASSWORD=[REDACTED:generic_secret]"),
        ('{"api_key": "a8f5f167f44f4964e6c998dee827110c"}', '{"api_key": "[REDACTED:generic_secret]"}'),
        (r"{\"apiKey\": \"a8f5f167f44f4964e6c9\"}", r"{\"apiKey\": \"[REDACTED:generic_secret]\"}"),
        ("postgres://app:pa55w0rd@db/app", "postgres://app:[REDACTED:url_password]@db/app"),
    ],
)
async def test_only_the_value_of_a_setting_is_masked(text: str, masked: str) -> None:
    assert await guard(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Write a haiku about autumn.",
        "password = os.environ.get('PASSWORD')",
        "The token: something that is not random",
        "password: 12345678901",
        "Each token=aaaaaaaa1 counts",
        "risk-averse-investors-should-ask-questions",
        "postgres://app:{password}@db/app",
        "see http://localhost:8080/path and mail me@example.org",
        "asia is a continent; AKIAIS short",
    ],
)
async def test_ordinary_text_is_left_alone(text: str) -> None:
    assert await guard(text) == text
    assert await guard(text, action="block") == text


async def test_a_private_key_that_was_cut_off_is_masked() -> None:
    text = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA"

    assert await guard(text) == "[REDACTED:private_key]"


async def test_several_credentials_in_one_text_are_all_masked() -> None:
    text = f"{SECRETS['github_token']} {SECRETS['aws_access_key_id']} {SECRETS['github_token']}"

    assert await guard(text) == (
        "[REDACTED:github_token] [REDACTED:aws_access_key_id] [REDACTED:github_token]"
    )


@pytest.mark.parametrize(
    ("endpoint", "body", "path"),
    [
        (
            Endpoint.CHAT,
            {"messages": [{"content": [{"type": "text", "text": "{}"}]}]},
            "messages[0].content[0].text",
        ),
        (Endpoint.COMPLETIONS, {"prompt": ["fine", "{}"]}, "prompt[1]"),
        (Endpoint.COMPLETIONS, {"prompt": "{}"}, "prompt"),
        (Endpoint.EMBEDDINGS, {"input": ["{}"]}, "input[0]"),
    ],
)
async def test_every_endpoints_texts_are_searched(endpoint: Endpoint, body: Any, path: str) -> None:
    secret = SECRETS["github_token"]
    filled = _fill(body, secret)

    with pytest.raises(GuardrailBlocked) as caught:
        await load(action="block").guard_request(make_context(filled, endpoint=endpoint))
    assert caught.value.param == path

    context = make_context(filled, endpoint=endpoint)
    await load().guard_request(context)
    assert context.body.read(next(iter(body))) == _fill(body, "[REDACTED:github_token]")[next(iter(body))]


def _fill(value: Any, secret: str) -> Any:
    """The body with the place holders replaced."""
    if isinstance(value, dict):
        return {name: _fill(member, secret) for name, member in value.items()}
    if isinstance(value, list):
        return [_fill(item, secret) for item in value]
    return secret if value == "{}" else value


async def test_members_that_nobody_knows_survive_masking() -> None:
    messages = [{"role": "user", "content": SECRETS["github_token"], "cache_control": {"type": "ephemeral"}}]
    context = make_context({"messages": messages, "vendor": {"x": 1}})

    await load().guard_request(context)

    assert context.body.read("messages") == [
        {"role": "user", "content": "[REDACTED:github_token]", "cache_control": {"type": "ephemeral"}}
    ]
    assert bytes(context.body.members["vendor"]) == b'{"x":1}'


async def test_masking_is_logged_without_the_credential() -> None:
    with capture_logs() as logs:
        await guard(SECRETS["github_token"])

    assert logs[0]["found"] == ["github_token in messages[0].content"]
    assert SECRETS["github_token"] not in str(logs)


async def test_only_the_chosen_kinds_are_looked_for() -> None:
    both = f"{SECRETS['github_token']} {SECRETS['aws_access_key_id']}"

    assert (
        await guard(both, kinds=["github_token"]) == f"[REDACTED:github_token] {SECRETS['aws_access_key_id']}"
    )


async def test_the_entropy_that_a_generic_secret_needs_is_a_setting() -> None:
    assert await guard("password=aaaabbbb1", minimum_entropy=1.0) == "password=[REDACTED:generic_secret]"
    assert await guard("password=aaaabbbb1") == "password=aaaabbbb1"


HEX = '"' + "0123456789abcdef" * 2 + '"'
SEMI = '"' + "0123456701234567" * 2 + "ab" + '"'


@pytest.mark.parametrize(
    ("plugins", "found"),
    [
        ([{"name": "AWSKeyDetector"}], ["aws_access_key_id"]),
        ([{"name": "PrivateKeyDetector"}, {"name": "GitHubTokenDetector"}], ["private_key", "github_token"]),
        ([{"name": "HexHighEntropyString"}], ["HEX", "SEMI"]),
        ([{"name": "HexHighEntropyString", "limit": 3.7}], ["HEX"]),
        ([{"name": "HexHighEntropyString", "limit": 4.5}], []),
    ],
)
async def test_the_plugins_of_the_library_are_chosen_as_in_litellm(
    plugins: list[dict[str, Any]], found: list[str]
) -> None:
    texts = SECRETS | {"HEX": HEX, "SEMI": SEMI}
    config = {"plugins_used": plugins}
    told = {name: await guard(f"x {text} y", detect_secrets_config=config) for name, text in texts.items()}
    assert {name for name, text in told.items() if "[REDACTED:" in text} == set(found)
    unlimited = {"plugins_used": [{"name": "HexHighEntropyString"}]}
    said = await guard(SEMI, detect_secrets_config=unlimited)
    assert said == '"[REDACTED:high_entropy_hex]"', "the limits of one guardrail are no other's"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"plugins_used": [{"name": "AwsDetector"}]}, "no plugin 'AwsDetector' of detect-secrets; known: "),
        ({"plugins_used": [{"name": "JwtTokenDetector", "limit": 3}]}, "'JwtTokenDetector' has no limit"),
        ({"plugins_used": [{"name": "HexHighEntropyString", "limit": 9}]}, "is from 0 to 8"),
        ({"plugins_used": [{"name": "KeywordDetector", "keyword_exclude": "x"}]}, "keyword_exclude"),
        ({"plugins_used": []}, "names no plugin"),
        ({"plugins_used": [{"name": "JwtTokenDetector"}], "filters_used": []}, "filters_used"),
    ],
)
def test_a_configuration_of_the_library_that_cannot_be_kept_stops_the_boot(
    config: dict[str, Any], message: str
) -> None:
    with pytest.raises(PluginError) as caught:
        load(detect_secrets_config=config)
    assert message in caught.value.message


def test_kinds_and_plugins_together_stop_the_boot() -> None:
    with pytest.raises(PluginError, match="keep one of them"):
        load(kinds=["jwt"], detect_secrets_config={"plugins_used": [{"name": "JwtTokenDetector"}]})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "no guardrail is on"),
        (
            {"secret_detection": {"action": "delete"}},
            "guardrails.secret_detection.action: Invalid enum value",
        ),
        ({"secret_detection": {"kinds": ["gitub"]}}, "there is no kind 'gitub'; known: private_key, "),
        ({"secret_detecton": {}}, "no setting 'secret_detecton'. Did you mean 'secret_detection'?"),
    ],
)
def test_wrong_settings_stop_the_boot(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(PluginError) as caught:
        load_plugin(gateway_guardrails, settings, name="guardrails")
    assert message in caught.value.message


HOSTILE = (
    "-----BEGIN PRIVATE KEY-----", "PuTTY-User-Key-File-2:\nComment: x\n", "AKIAAAAAAAAAAAAAAAAA",
    "ghp_" + "a" * 35 + "-", "sk-", "xoxb-1", "AIzaAIza-", "-eyJaaaaaaaaaaa.", "://a:bb", "password=",
    'secret = "', "secret", '"a"==password',
    "//:_authToken=npm_", "glagent-" + "a" * 60, "key ", "key" + " " * 9, "aws key '", "12345678:" + "a" * 34,
    "https://hooks.slack.com/services/T", "pypi-AgEIcHlwaS5vcmc", ".aaaaaa", "M", "a" * 32 + "-us",
)  # fmt: skip
"""Each begins one kind of credential or several, over and over."""


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_is_searched_in_linear_time(number: int) -> None:
    """32 times the text takes about 32 times the CPU time; a quadratic search would take 1,024 times."""
    finder = SecretFinder(KINDS)

    def seconds(length: int) -> float:
        text = HOSTILE[number] * (length // len(HOSTILE[number]))
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            finder.find(text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(32_000) <= 250 * max(seconds(1_000), 1e-4)
