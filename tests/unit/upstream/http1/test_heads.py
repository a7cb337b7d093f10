import pytest

from gateway.upstream.http1.addresses import read_address
from gateway.upstream.http1.heads import write_head

ADDRESS = read_address("http://host:81/path?q=1")


def test_a_head_says_where_and_what_and_how_long():
    headers = (("accept", "*/*"), ("x-a", "1"), ("x-a", "ü"), ("content-length", "9"))

    head = write_head("POST", ADDRESS, headers, 3, has_body=True)

    assert head.decode() == (
        "POST /path?q=1 HTTP/1.1\r\nhost: host:81\r\naccept: */*\r\nx-a: 1\r\nx-a: ü\r\n"
        "user-agent: gatewright\r\ncontent-length: 3\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("method", "length", "has_body", "line"),
    [
        ("GET", 0, False, b""),
        ("GET", 2, True, b"content-length: 2\r\n"),
        ("DELETE", 0, False, b"content-length: 0\r\n"),
        ("POST", None, True, b"transfer-encoding: chunked\r\n"),
    ],
)
def test_the_length_is_said_where_there_may_be_a_body(method, length, has_body, line):
    head = write_head(method, ADDRESS, (("user-agent", "x"),), length, has_body=has_body)

    assert head.split(b"user-agent: x\r\n")[1] == line + b"\r\n"


def test_given_headers_win_over_those_that_follow_from_the_address():
    address = read_address("http://me:secret@host/")

    head = write_head("GET", address, (("Host", "b"), ("Authorization", "k")), 0, has_body=False)

    assert head == b"GET / HTTP/1.1\r\nHost: b\r\nAuthorization: k\r\nuser-agent: gatewright\r\n\r\n"
    assert b"authorization: Basic" in write_head("GET", address, (), 0, has_body=False)


@pytest.mark.parametrize(
    ("method", "name", "value"),
    [
        *(("GET", "x", value) for value in ("a\r\nb: c", "a\nb", "a\rb", "a\x00", "a\r\n b", "a\r\n\r\nb")),
        *(("GET", name, "v") for name in ("", "x y", "x:y", "x\r\ny", "ü")),
        ("GET /x HTTP/1.1\r\nx:", "x", "v"),
    ],
)
def test_nothing_can_be_smuggled_into_a_head(method, name, value):
    with pytest.raises(ValueError, match="no header"):
        write_head(method, ADDRESS, ((name, value),), 0, has_body=False)
