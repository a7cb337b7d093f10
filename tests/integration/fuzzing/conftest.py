"""One fuzzed gateway per module: what a module did to its own does not tell on another."""

from collections.abc import Iterator

import pytest

from tests.conftest import DatabaseFactory
from tests.integration.fuzzing.fuzzed import FuzzedGateway, serve_fuzzed


@pytest.fixture(scope="module")
def fuzzed(
    tmp_path_factory: pytest.TempPathFactory, database_factory: DatabaseFactory, migrated_template: str
) -> Iterator[FuzzedGateway]:
    """A gateway for generated requests."""
    with serve_fuzzed(tmp_path_factory.mktemp("fuzzed"), database_factory, migrated_template) as gateway:
        yield gateway
