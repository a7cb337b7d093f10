import pytest

from gateway.upstream.http1.bodies import AnswerBody, open_body
from gateway.upstream.http1.heads import AnswerHead

CHUNKED = (("transfer-encoding", "Chunked"),)
BODY = b'5 ;a="b"\r\nhello\r\n1\r\n,\r\n0006\r\n world\r\n0\r\nx-trailer: 1\r\n\r\n'


def open_one(*headers: tuple[str, str], method: str = "POST", status: int = 200) -> AnswerBody:
    return open_body(method, AnswerHead(status, headers, is_last=False))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("headers", "data", "rest"),
    [(CHUNKED, BODY, b"!"), ((("content-length", "12"),), b"hello, world", b"!")],
    ids=["chunked", "sized"],
)
def test_a_body_ends_where_it_says_however_it_is_cut(headers, data, rest, size):
    body, found, sent = open_one(*headers), b"", data + rest
    for at in range(0, len(sent), size):
        if not body.is_ended:
            found += body.feed(sent[at : at + size])

    assert body.is_ended
    assert found == b"hello, world"
    assert rest.startswith(body.rest)
    body.finish()


def test_a_body_of_unknown_length_ends_with_its_connection():
    body = open_one()
    assert body.feed(b"abc") == b"abc"
    assert not body.is_ended
    body.finish()
    assert body.is_ended


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_some_answers_have_no_body_whatever_they_say(method, status):
    assert open_one(("content-length", "5"), method=method, status=status).is_ended


@pytest.mark.parametrize(
    "headers",
    [
        (("content-length", "5"), ("content-length", "6")),
        (("content-length", "5, 5"),),
        (("content-length", "+5"),),
        (("content-length", "-1"),),
        (("content-length", "\u0665"),),
        (("content-length", ""),),
        (("transfer-encoding", "gzip, chunked"),),
        (*CHUNKED, *CHUNKED),
        (*CHUNKED, ("content-length", "5")),
    ],
    ids=str,
)
def test_a_length_that_could_be_read_in_two_ways_is_refused(headers):
    with pytest.raises(ValueError, match=r"length|coding"):
        open_one(*headers)


def test_a_switch_to_another_protocol_is_refused():
    with pytest.raises(ValueError, match="another protocol"):
        open_one(status=101)


@pytest.mark.parametrize("data", [b"zz\r\n", b"-1\r\n", b"\r\n", b"1\r\nab\r\n", b"f" * 16 + b"\r\n"])
def test_broken_chunks_are_refused(data):
    body = open_one(*CHUNKED)
    with pytest.raises(ValueError, match="chunk"):
        body.feed(data)


def test_a_line_without_end_is_refused():
    body = open_one(*CHUNKED)
    with pytest.raises(ValueError, match="too long"):
        body.feed(b"1;" + b"x" * 20_000)


@pytest.mark.parametrize("headers", [CHUNKED, (("content-length", "5"),)], ids=["chunked", "sized"])
def test_a_body_that_breaks_off_is_told_from_one_that_ends(headers):
    body = open_one(*headers)
    body.feed(b"3\r\n")
    with pytest.raises(ValueError, match=r"short|missing"):
        body.finish()
