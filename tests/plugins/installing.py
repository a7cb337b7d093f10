"""A distribution of somebody else's, built and installed beside the gateway."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["copy_project", "install", "run"]


def copy_project(sources: Path, folder: Path) -> Path:
    """A copy of the project, as its author would have it on another machine."""
    return shutil.copytree(sources, folder, ignore=shutil.ignore_patterns("__pycache__"))


def install(project: Path) -> dict[str, str]:
    """An environment in which the built distribution is installed."""
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv, "uv builds and installs the plugin"
    target = project.parent / "installed"
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    subprocess.run([*command, "--target", str(target), str(project)], check=True, cwd=project)
    return {**os.environ, "PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"}


def run(environ: dict[str, str], folder: Path, *arguments: str) -> str:
    """What a Python program prints there."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=folder, env=environ
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
