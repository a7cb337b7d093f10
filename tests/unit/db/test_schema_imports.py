"""What a start that finds a current schema does not have to pay for."""

import subprocess
import sys

LIGHT = "gateway.db.schema.current", "gateway.db.schema.status"
PROGRAM = "import sys, {modules}; print([name for name in ('black', 'piccolo') if name in sys.modules])"


def _loaded(*modules: str) -> str:
    program = PROGRAM.format(modules=", ".join(modules))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_the_quick_look_and_the_status_import_no_orm():
    assert _loaded(*LIGHT) == "[]\n"


def test_the_upgrade_imports_the_code_formatter_only_to_migrate():
    assert "black" not in _loaded("gateway.db.schema.upgrade")


def test_the_tables_do_not_import_the_code_formatter():
    assert "black" not in _loaded("gateway.db.tables")
