"""Arguments that headers repeat: as the SDK's clients and servers have it."""

from typing import Any

import pytest
from gateway_mcp.repeated import find_mismatch, is_sound, repeat_arguments
from mcp.shared.inbound import (
    find_invalid_x_mcp_header,
    mcp_param_headers,
    validate_mcp_param_headers,
    x_mcp_header_map,
)


def marked(kind: Any = "string", name: Any = "Region", **members: Any) -> dict[str, Any]:
    return {"type": kind, "x-mcp-header": name, **members}


def taking(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


SOUND = [
    None,
    {},
    taking(a={"type": "string"}),
    taking(a=marked()),
    taking(a=marked(), b=marked("integer", "other"), c=marked("boolean", "x!#$%&'*+-.^_`|~")),
    taking(a={"type": "object", **taking(b=marked())}),
    taking(properties=marked()),
    taking(a={"type": "object", "default": {"x-mcp-header": 7}, "enum": [marked(), marked()]}),
]
UNSOUND = [
    *(taking(a=marked(kind)) for kind in ("number", "object", "array", "null", None, ["string"])),
    *(taking(a=marked(name=name)) for name in ("", "a b", "a:b", "é", "a\t", 7, None)),
    taking(a=marked(), b=marked(name="rEGION")),
    taking(a=marked(), b={"type": "object", **taking(c=marked())}),
    marked(),
    taking(a={"type": "array", "items": marked()}),
    taking(a={"anyOf": [marked(), {"type": "null"}]}),
    {"$defs": {"a": taking(b=marked())}, **taking(a={"$ref": "#/$defs/a"})},
    {"allOf": [taking(a=marked())]},
    {"patternProperties": {"^a": marked()}},
]


@pytest.mark.parametrize("schema", [*SOUND, *UNSOUND], ids=str)
def test_schemas_are_judged_as_the_sdk_judges_them(schema: Any) -> None:
    assert is_sound(schema) is (schema in SOUND)
    assert is_sound(schema) is (find_invalid_x_mcp_header(schema) is None)


def test_a_deep_schema_is_no_harm() -> None:
    schema: Any = marked()
    for _ in range(5_000):
        schema = taking(a=schema)
    assert is_sound(schema)


@pytest.mark.parametrize(
    "value", ["plain", "", " padded ", "Grüße", "a\nb", "=?base64?YQ==?=", True, False, 0, -7, None, [1], {}]
)
def test_values_are_written_as_the_sdk_writes_them(value: Any) -> None:
    schema = taking(a=marked(), b={"type": "object", **taking(c=marked(name="Inner"))}, d={"type": "string"})
    for arguments in ({"a": value, "d": "x"}, {"b": {"c": value}}, {"b": value}, {}):
        expected = mcp_param_headers(x_mcp_header_map(schema), arguments)
        found = repeat_arguments(schema, arguments)
        assert found == {name.lower(): text for name, text in expected.items()}


VALUES = [
    "plain",
    "",
    "Grüße",
    "=?base64?YQ==?=",
    "7",
    True,
    False,
    0,
    -7,
    42,
    42.0,
    1.5,
    10**18,
    None,
    [1],
    {},
]
HEADERS = [
    *(None, "plain", "", "true", "false", "0", "-7", "42", "42.0", "42.00", "42.5", "+42", "4e1", "1.5", "7"),
    *("1000000000000000000", "1000000000000000001", "[1]", "{}", "None", "null"),
    *("=?base64?R3LDvMOfZQ==?=", "=?base64?cGxhaW4=?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?=", "=?base64?x?="),
]


@pytest.mark.parametrize("kind", ["string", "integer", "boolean"])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_headers_are_compared_as_the_sdk_compares_them(kind: str, value: Any) -> None:
    schema = taking(a=marked(kind), b={"type": "object", **taking(c=marked(kind, "Inner"))})
    for header in HEADERS:
        for name, arguments in (("region", {"a": value}), ("inner", {"b": {"c": value}}), ("region", {})):
            headers = {} if header is None else {f"mcp-param-{name}": header}
            refusal = validate_mcp_param_headers(schema, arguments, headers)
            found = find_mismatch(schema, arguments, headers)
            assert (found is None) is (refusal is None), (header, arguments)
            assert found in {None, f"mcp-param-{name}"}


def test_headers_that_no_mark_names_say_nothing() -> None:
    schema = taking(a=marked(), d={"type": "string"})
    assert find_mismatch(schema, {"a": "x", "d": "y"}, {"mcp-param-region": "x", "mcp-param-d": "z"}) is None
    for unsound in UNSOUND:
        assert find_mismatch(unsound, {"a": "x"}, {"mcp-param-region": "y"}) is None
