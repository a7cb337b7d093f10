"""Names in headers: every name goes there and back, and nothing else is read as one."""

import pytest
from gateway_mcp.header_texts import read_header, write_header
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import decode_header_value, encode_header_value


@given(st.text())
def test_texts_go_there_and_back_as_the_sdk_takes_them(text: str) -> None:
    assert read_header(write_header(text)) == text
    assert decode_header_value(write_header(text)) == text
    assert read_header(encode_header_value(text)) == text


@pytest.mark.parametrize("value", ["=?base64?!?=", "=?base64?YR==?=", "=?base64?/w==?=", "=?base64?YQ?="])
def test_what_nobody_would_have_written_is_no_text(value: str) -> None:
    assert read_header(value) is None
