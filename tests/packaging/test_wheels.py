"""The distributions as a stranger gets them: built, installed into an empty environment, used from there."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from gateway.db.migrations_folder import MIGRATIONS_FOLDER

ROOT = Path(__file__).parents[2]
VERSION = version("gatewright")
NAMES = ("gatewright", "gatewright_guardrails", "gatewright_mcp")
PACKAGES = {"gateway", "gateway_guardrails", "gateway_mcp"}
# Of the caller's own environment; what is installed must do without it.
PRIVATE = ("VIRTUAL_ENV", "PYTHONPATH", "DATABASE_URL", "GATEWAY_DATA_DIR", "XDG_DATA_HOME")


def uv() -> str:
    found = os.environ.get("UV") or shutil.which("uv")
    assert found, "uv builds and installs the distributions"
    return found


def run(*command: str | Path, cwd: Path) -> str:
    environ = {name: value for name, value in os.environ.items() if name not in PRIVATE}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archives of all distributions."""
    folder = tmp_path_factory.mktemp("dist")
    run(uv(), "build", "--quiet", "--all-packages", "--out-dir", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def bin_folder(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that holds `gatewright[all]` and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("installed")
    environment = folder / "environment"
    run(uv(), "venv", "--quiet", "--python", sys.executable, environment, cwd=folder)
    programs = environment / ("Scripts" if sys.platform == "win32" else "bin")
    install = (uv(), "pip", "install", "--quiet", "--python", programs / "python", "--find-links", dist)
    run(*install, f"gatewright[all]=={VERSION}", cwd=folder)
    return programs


def members_of(dist: Path, name: str) -> set[str]:
    (wheel,) = dist.glob(f"{name}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_carries_its_package_with_licence_and_types_and_nothing_else(dist: Path, name: str) -> None:
    members = members_of(dist, name)
    (package,) = {member.split("/")[0] for member in members if ".dist-info/" not in member}

    assert package in PACKAGES
    assert f"{package}/py.typed" in members
    assert any(member.endswith(".dist-info/licenses/LICENSE") for member in members)


def test_the_wheel_carries_what_the_package_reads(dist: Path) -> None:
    members = members_of(dist, "gatewright")
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gateway").rglob("*.json")}
    migrations = {f"gateway/piccolo_migrations/{path.name}" for path in MIGRATIONS_FOLDER.glob("*.py")}

    assert data
    assert migrations
    assert data | migrations <= members


@pytest.mark.parametrize("name", NAMES)
def test_a_source_archive_carries_no_tests(dist: Path, name: str) -> None:
    (archive,) = dist.glob(f"{name}-*.tar.gz")
    with tarfile.open(archive) as opened:
        folders = {member.split("/")[1] for member in opened.getnames() if member.count("/") > 1}

    assert not folders & {"tests", "benchmarks", "plugins", ".ci"}


def test_the_installed_command_tells_its_version(bin_folder: Path, tmp_path: Path) -> None:
    assert run(bin_folder / "gatewright", "--version", cwd=tmp_path) == f"gatewright, version {VERSION}\n"


def test_the_installed_command_finds_both_plugins(bin_folder: Path, tmp_path: Path) -> None:
    settings = {"guardrails": {"secret_detection": {}}, "mcp": {}}
    config = {"gatewright": {"plugins": {"settings": settings}}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))

    output = run(
        bin_folder / "gatewright", "plugins", "list", "--json", "--config", "config.yaml", cwd=tmp_path
    )

    listed = {plugin["name"]: plugin for plugin in json.loads(output)}
    assert set(listed) == {"guardrails", "mcp"}
    assert all(plugin["is_loaded"] and plugin["hooks"] for plugin in listed.values())


def test_the_installed_command_makes_a_database_from_its_own_migrations(
    bin_folder: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"

    run(bin_folder / "gatewright", "db", "upgrade", "--data-dir", data, cwd=tmp_path)

    status = run(bin_folder / "gatewright", "db", "status", "--data-dir", data, cwd=tmp_path)
    assert status == "The database has everything that this release needs.\n"


def test_the_installed_package_is_not_the_checkout(bin_folder: Path, tmp_path: Path) -> None:
    program = (
        "import gateway, gateway.db.migrations_folder as m; print(gateway.__file__, m.MIGRATIONS_FOLDER)"
    )

    output = run(bin_folder / "python", "-c", program, cwd=tmp_path)

    assert str(bin_folder.parent) in output
    assert str(ROOT) not in output
