"""Arguments that headers repeat: as the SDK's clients and servers have it."""

from typing import Any

import pytest
from gateway_mcp.repeated import is_sound, repeat_arguments
from mcp.shared.inbound import find_invalid_x_mcp_header, mcp_param_headers, x_mcp_header_map


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
