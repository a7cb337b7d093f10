"""Finds the folder of the migrations, in an installed wheel and in a checkout."""

from pathlib import Path

__all__ = ["MIGRATIONS_FOLDER"]

_PACKAGE = Path(__file__).resolve().parent.parent
_INSTALLED = _PACKAGE / "piccolo_migrations"

# The wheel carries the folder inside the package; an editable install reads it beside the package.
MIGRATIONS_FOLDER = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "piccolo_migrations"
