import pytest
from litestar import Request, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ImproperlyConfiguredException
from litestar.params import FromPath
from litestar.testing import TestClient

from gateway.errors import StartupError
from gateway.http.registration import Application, Part


@get(["/things/{name:str}", "/v1/things/{name:str}"])
async def show(name: FromPath[str], greeting: NamedDependency[str]) -> str:
    return f"{greeting} {name}"


@post("/things/{name:str}")
async def make(name: FromPath[str]) -> str:
    return f"made {name}"


@get("/plain")
async def plain(request: Request) -> str:
    return request.url.path


def build(*handlers, **layers) -> Application:
    part = Part(handlers, dependencies={"greeting": Provide(lambda: "hello", sync_to_thread=False)}, **layers)
    return Application(route_handlers=[part], openapi_config=None, logging_config=None)


@pytest.fixture
def client():
    with TestClient(build(show, make, plain)) as client:
        yield client


@pytest.mark.parametrize("path", ["/things/a", "/v1/things/a"])
def test_a_handler_serves_all_its_paths_with_what_the_part_gives_it(client, path):
    assert client.get(path).text == "hello a"


def test_handlers_of_one_path_are_told_apart_by_their_method(client):
    assert client.post("/things/b").text == "made b"
    assert client.put("/things/b").status_code == 405


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/things/a", "GET, OPTIONS, POST"), ("/v1/things/a", "GET, OPTIONS"), ("/plain", "GET, OPTIONS")],
)
def test_options_are_the_methods_of_the_path(client, path, allowed):
    answer = client.options(path)

    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allowed, b"")


def test_guards_of_a_part_hold_for_all_its_routes():
    def refuse(connection, handler):
        raise StartupError("closed")

    with TestClient(build(plain, guards=[refuse]), raise_server_exceptions=False) as client:
        assert client.get("/plain").status_code == 500
        assert client.options("/plain").status_code == 500


def test_a_part_can_be_built_of_the_same_handlers_again():
    for _ in range(2):
        with TestClient(build(show)) as client:
            assert client.get("/things/c").text == "hello c"


def test_a_path_that_is_served_already_is_refused():
    with pytest.raises(StartupError, match="/plain is served already"):
        Application(route_handlers=[plain, Part([plain])], openapi_config=None, logging_config=None)


def test_two_handlers_of_one_path_and_method_are_refused():
    with pytest.raises(ImproperlyConfiguredException, match="already registered"):
        build(plain, get("/plain")(plain.fn))
