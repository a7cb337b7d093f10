import json
from datetime import UTC, datetime

import pytest

from gateway import errors
from gateway.domain import Deployment, Endpoint, Secret
from gateway.upstream.errors import error_from_answer, error_from_event, upstream_source
from gateway.upstream.retry_after import parse_retry_after

DEPLOYMENT = Deployment(
    id="d",
    group="g",
    provider="openai",
    model="m",
    urls={Endpoint.CHAT: "https://llm.acme.example:8443/v1/chat/completions"},
    api_base="https://llm.acme.example:8443/v1",
    headers={"authorization": Secret("Bearer top-secret-credential")},
)
SOURCE = upstream_source(DEPLOYMENT, 0)
NOW = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000


def read(status: int, body: object = None, **headers: str) -> errors.UpstreamError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return error_from_answer(status, pairs, data, SOURCE)


@pytest.mark.parametrize(
    ("status", "kind", "shown"),
    [
        (400, errors.UpstreamBadRequest, 400),
        (401, errors.UpstreamAuthenticationFailed, 401),
        (402, errors.UpstreamBadRequest, 402),
        (403, errors.UpstreamPermissionDenied, 403),
        (404, errors.UpstreamNotFound, 404),
        (408, errors.UpstreamTimeout, 408),
        (413, errors.UpstreamBadRequest, 413),
        (422, errors.UpstreamUnprocessable, 422),
        (429, errors.UpstreamRateLimited, 429),
        (500, errors.UpstreamInternalError, 500),
        (502, errors.UpstreamGarbled, 502),
        (503, errors.UpstreamUnavailable, 503),
        (302, errors.UpstreamGarbled, 502),
    ],
)
def test_each_status_has_its_class_and_prefix(status, kind, shown):
    error = read(status, {"error": {"message": "no"}})

    assert type(error) is kind
    assert error.status == shown
    assert error.message == f"litellm.{kind.litellm_class}: openai: no"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "x", "code": "context_length_exceeded"}, errors.ContextWindowExceeded),
        ({"message": "x", "type": "exceed_context_size_error"}, errors.ContextWindowExceeded),
        ({"message": "x", "code": "content_policy_violation"}, errors.ContentPolicyViolation),
        (
            {"message": "x", "code": "y", "innererror": {"code": "ResponsibleAIPolicyViolation"}},
            errors.ContentPolicyViolation,
        ),
        (
            {"message": "This model's maximum context length is 10 tokens.", "code": 400},
            errors.ContextWindowExceeded,
        ),
        ({"message": "x", "code": "invalid_value"}, errors.UpstreamBadRequest),
    ],
)
def test_a_long_prompt_and_refused_content_are_recognised(error, kind):
    assert type(read(400, {"error": error})) is kind


def test_a_code_counts_only_where_a_request_was_refused():
    assert (
        type(read(500, {"error": {"code": "content_filter", "message": "x"}})) is errors.UpstreamInternalError
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"\xff", b"[" * 5000, [], 7, {"error": None}, {"error": {"message": 5}}, {"error": []}],
)
def test_an_unreadable_error_still_is_one(body):
    assert read(500, body).message == (
        "litellm.InternalServerError: openai: The model provider answered with status 500."
    )


@pytest.mark.parametrize(
    "body", [{"error": "plain"}, {"message": "plain"}, {"detail": "plain"}, [{"error": {"message": "plain"}}]]
)
def test_other_shapes_of_error_are_read(body):
    assert read(400, body).message.endswith(": plain")


@pytest.mark.parametrize(
    "said",
    [
        "key top-secret-credential is wrong",
        "header Bearer top-secret-credential",
        "see https://llm.acme.example:8443/v1/chat/completions",
        "host llm.acme.example:8443 is down",
        "Incorrect API key: sk-abc***************xyz9",
        "dial tcp 10.0.0.7:8000: refused, http://internal.svc/x",
    ],
)
def test_neither_credential_nor_address_is_repeated(said):
    message = read(401, {"error": {"message": said}}).message

    for word in ("top-secret", "acme", "8443", "sk-abc", "xyz9", "10.0.0.7", "internal"):
        assert word not in message


def test_a_message_is_bounded_and_has_no_control_characters():
    message = read(400, {"error": {"message": "a\x00\x1b[31m" + "b" * 100_000}}).message

    assert len(message) < 2200
    assert "\x1b" not in message
    assert "\x00" not in message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 31 Dec 2025 23:00:00 GMT"}, 0.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT", "date": "Thu, 01 Jan 2026 00:00:20 GMT"}, 10.0),
        ({"retry-after": "99999999999"}, 86400.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ],
)
def test_retry_after_in_all_its_forms(headers, seconds):
    assert parse_retry_after(headers.get, NOW) == seconds


def test_retry_after_is_on_the_error():
    assert read(429, {"error": {"message": "x"}}, retry_after="12").retry_after_seconds == 12.0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (b'{"message":"overloaded","code":503}', errors.UpstreamUnavailable),
        (b'{"message":"x","code":"content_filter"}', errors.ContentPolicyViolation),
        (b'"text"', errors.UpstreamInternalError),
        (b"{", errors.UpstreamInternalError),
    ],
)
def test_an_error_within_a_stream_is_named(error, kind):
    assert type(error_from_event(error, SOURCE)) is kind
