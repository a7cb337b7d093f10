import pytest

from gateway.upstream.http1.addresses import Origin, read_address


@pytest.mark.parametrize(
    ("url", "origin", "host", "target"),
    [
        ("http://a.example", Origin(is_tls=False, host="a.example", port=80), "a.example", "/"),
        ("https://A.example:443/x", Origin(is_tls=True, host="a.example", port=443), "a.example", "/x"),
        ("http://a:8080/x/../%2e?q=1&q=%20#f", Origin(False, "a", 8080), "a:8080", "/x/../%2e?q=1&q=%20"),
        ("http://[::1]:81?q", Origin(is_tls=False, host="::1", port=81), "[::1]:81", "/?q"),
        ("http://bücher.example/", Origin(False, "xn--bcher-kva.example", 80), "xn--bcher-kva.example", "/"),
    ],
)
def test_an_address_is_taken_apart_and_its_path_left_as_it_stands(url, origin, host, target):
    address = read_address(url)

    assert (address.origin, address.host, address.target) == (origin, host, target)
    assert address.credential == ""


def test_a_user_in_the_address_is_a_credential():
    assert read_address("http://me:a%3Ab@host/").credential == "Basic bWU6YTpi"


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://a/",
            "a/b",
            "http://",
            "http:///x",
            "http://a b/",
            "http://a/b c",
            "http://a/ü",
            "http://a\x00/",
        ),
        *("http://a:0x50/", "http://a:70000/", "http://[::1/"),
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError):
        read_address(url)
