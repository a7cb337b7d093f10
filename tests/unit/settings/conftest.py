"""A loader of settings from a text, with an environment of the test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.settings import Flags, Settings, load_settings

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load(text, environ={}, flags=None, **other files)`: the settings of a file `config.yaml`."""

    def run(text: str, environ: dict[str, str] | None = None, flags: Flags | None = None) -> Settings:
        path = tmp_path / "config.yaml"
        path.write_text(text, "utf-8")
        return load_settings(path, {"HOME": str(tmp_path), **(environ or {})}, flags)

    return run
