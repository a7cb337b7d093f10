import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import AuthenticationFailed
from gateway.hooks import RequestHead
from gateway.identity.credentials import abbreviate, check_is_virtual_key, find_credential

KEY = "sk-0123456789abcdef"
PLACES = (
    "x-litellm-api-key",
    "authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
)


def head(path: str = "/v1/chat/completions", query: str = "", **headers: str) -> RequestHead:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestHead("POST", path, named, query)


def message_of(request: RequestHead, header_name: str | None = None) -> str:
    with pytest.raises(AuthenticationFailed) as raised:
        find_credential(request, header_name)
    assert raised.value.status == 401
    return raised.value.message


def basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("name", PLACES)
def test_every_place_may_hold_a_key_with_bearer(name):
    assert find_credential(RequestHead("POST", "/", {name: f"Bearer {KEY}"})) == KEY


@pytest.mark.parametrize("name", [name for name in PLACES if name != "authorization"])
def test_every_place_but_authorization_may_hold_a_bare_key(name):
    assert find_credential(RequestHead("POST", "/", {name: KEY})) == KEY


@pytest.mark.parametrize("first", range(len(PLACES)))
def test_places_are_looked_at_in_the_contracts_order(first):
    headers = {name: f"Bearer sk-{name}" for name in PLACES[first:]}
    assert find_credential(RequestHead("POST", "/", headers)) == f"sk-{PLACES[first]}"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "BeArEr"])
def test_the_scheme_may_be_written_in_any_case(scheme):
    assert find_credential(head(authorization=f"{scheme}  {KEY} ")) == KEY


def test_basic_carries_the_key_as_password():
    assert find_credential(head(authorization=f"Basic {basic(f'user:{KEY}')}")) == KEY
    assert find_credential(head(authorization=f"basic {basic('u:sk-a:b')}")) == "sk-a:b"


@pytest.mark.parametrize(
    "value",
    [
        "Bearer ",
        "Bearer",
        KEY,
        "Digest x",
        "Basic",
        "Basic !!",
        f"Basic {basic('no colon')}",
        f"Basic {basic('user:')}",
        "Basic gA==",
        "AWS4-HMAC-SHA256 Credential=x",
    ],
)
def test_a_malformed_authorization_is_refused_without_repeating_it(value):
    expected = "Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix."
    assert message_of(head(authorization=value)) == expected


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"api-key": "", "x-api-key": ""}])
def test_no_key_at_all_is_said_so(headers):
    request = RequestHead("POST", "/v1/chat/completions", headers, "key=sk-in-the-query")
    assert message_of(request) == "Authentication Error, No api key passed in."


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent"])
def test_the_query_counts_on_google_routes_only(method):
    path = f"/v1beta/models/gemini:{method}"
    assert find_credential(head(path, "alt=sse&key=sk-in-the-query")) == "sk-in-the-query"
    assert "No api key" in message_of(head("/v1/models/gemini:generateContent/x", "key=sk-in-the-query"))
    assert "No api key" in message_of(head(path, "alt=sse"))


def test_a_configured_header_replaces_all_others():
    assert find_credential(head(x_my_key=KEY, authorization="Bearer sk-other"), "X-My-Key") == KEY
    assert "No api key" in message_of(head(authorization=f"Bearer {KEY}"), "X-My-Key")


@pytest.mark.parametrize("value", ["0" * 64, "my-key-0123456789", "SK-0123456789abcdef"])
def test_what_is_no_virtual_key_is_refused_abbreviated(value):
    with pytest.raises(AuthenticationFailed) as raised:
        check_is_virtual_key(value)
    assert raised.value.message == (
        f"Authentication Error, LiteLLM Virtual Key expected. Received=...{value[-4:]}, "
        "expected to start with 'sk-'."
    )


def test_short_credentials_are_not_shown_at_all():
    assert abbreviate("sk-12345678") == "***"
    assert abbreviate(KEY) == "sk-...cdef"


def attempt(request: RequestHead) -> tuple[str, str]:
    """The credential and the refusal, one of them empty."""
    try:
        return find_credential(request), ""
    except AuthenticationFailed as error:
        return "", error.message


@given(
    st.dictionaries(st.sampled_from(PLACES), st.text(max_size=60)),
    st.text(max_size=40),
    st.sampled_from(["/v1/chat/completions", "/v1beta/models/g:generateContent"]),
)
def test_any_headers_give_a_credential_or_a_refusal_that_does_not_repeat_them(headers, query, path):
    found, refusal = attempt(RequestHead("POST", path, headers, query))
    assert bool(found) != bool(refusal)
    if refusal:
        assert refusal.startswith("Authentication Error, ")
        assert not any(len(value) > 24 and value in refusal for value in headers.values())


@given(st.binary(max_size=40).map(lambda data: base64.b64encode(data).decode()) | st.text(max_size=40))
def test_any_basic_value_is_decoded_or_refused(encoded):
    found, refusal = attempt(head(authorization=f"Basic {encoded}"))
    assert found or "Malformed API Key" in refusal
