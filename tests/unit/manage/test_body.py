import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ValidationFailed
from gateway.identity.keys.request import BlockKeyRequest, GenerateKeyRequest
from gateway.manage.body import BodyReader, is_strict

READER = BodyReader(GenerateKeyRequest)


def faults_of(data: bytes, **options: bool) -> list[dict[str, object]]:
    with pytest.raises(ValidationFailed) as raised:
        READER.read(data, **options)
    return raised.value.details["detail"]


def test_members_are_read_with_the_types_of_the_struct():
    body = READER.read(b'{"max_budget": 1, "models": ["a"], "rpm_limit": "7", "blocked": false}')
    assert body.value == GenerateKeyRequest(max_budget=1.0, models=["a"], rpm_limit=7, blocked=False)
    assert body.headers == {}


def test_every_fault_is_listed_with_its_place():
    faults = faults_of(b'{"max_budget": "much", "models": [1], "key_alias": "fine"}')
    assert {tuple(fault["loc"]) for fault in faults} == {("body", "max_budget"), ("body", "models", 0)}
    assert all(fault["msg"] and fault["type"] for fault in faults)


def test_a_missing_member_is_named():
    with pytest.raises(ValidationFailed) as raised:
        BodyReader(BlockKeyRequest).read(b"{}")
    detail = [{"loc": ["body", "key"], "msg": "Field required", "type": "missing"}]
    assert raised.value.details == {"detail": detail}


def test_unknown_members_are_ignored_and_named():
    body = READER.read(b'{"key_alias": "a", "max_budgets": 1, "sent_by_pigeon": true}')
    assert body.headers == {"x-gatewright-ignored-fields": "max_budgets, sent_by_pigeon"}


def test_unknown_members_are_refused_with_the_nearest_name_when_strict():
    (fault,) = faults_of(b'{"max_budgets": 1}', refuses_unknown=True)
    assert fault["loc"] == ["body", "max_budgets"]
    assert "Did you mean 'max_budget'?" in fault["msg"]


def test_a_member_name_cannot_end_the_response_header():
    assert READER.read(b'{"a\\r\\nset-cookie: x": 1}').headers == {"x-gatewright-ignored-fields": "?"}


def test_a_thousand_unknown_members_fit_into_the_header():
    data = msgspec.json.encode({f"unknown_{number}": 1 for number in range(1000)})
    assert len(READER.read(data).headers["x-gatewright-ignored-fields"]) < 1000


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'{"a":', b'"x"', b"\xff", b"{}x"])
def test_what_is_no_json_object_is_refused(data):
    assert faults_of(data)[0]["loc"] == ["body"]


@pytest.mark.parametrize("data", [b'{"metadata": {"a": ["x\\u0000"]}}', b'{"key_alias": "\\u0000"}'])
def test_nul_characters_are_refused_before_the_database_sees_them(data):
    assert "U+0000" in faults_of(data)[0]["msg"]


@pytest.mark.parametrize("number", [b"1e400", b"NaN", b"Infinity", b"-1e400"])
def test_numbers_that_json_or_a_float_cannot_hold_are_refused(number):
    assert faults_of(b'{"max_budget": ' + number + b"}")


def test_an_escaped_backslash_before_u0000_is_no_nul():
    assert READER.read(b'{"key_alias": "\\\\u0000"}').value.key_alias == "\\u0000"


def test_deep_nesting_is_refused():
    assert faults_of(b'{"metadata": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001)


@pytest.mark.parametrize(("value", "strict"), [("true", True), (" TRUE ", True), ("1", True), ("no", False)])
def test_the_strict_header_is_read(value, strict):
    assert is_strict({"x-gatewright-strict": value}) is strict
    assert not is_strict({})


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def attempt(data: bytes):
    """The body and the faults, one of them None."""
    try:
        return READER.read(data), None
    except ValidationFailed as error:
        return None, error.details["detail"]


@given(st.dictionaries(st.sampled_from(GenerateKeyRequest.__struct_fields__) | st.text(), JSON, max_size=6))
def test_any_object_is_read_or_refused_with_places(members):
    body, faults = attempt(msgspec.json.encode(members))
    if body is None:
        assert faults
        assert all(fault["loc"][0] == "body" for fault in faults)
    else:
        assert set(body.ignored) == set(members) - set(GenerateKeyRequest.__struct_fields__)
        assert all(" " <= char <= "~" for value in body.headers.values() for char in value)
