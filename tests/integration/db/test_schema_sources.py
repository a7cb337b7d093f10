"""The checked-in catalog against its sources: LiteLLM's migrations, the code, the installed layout."""

import asyncio
import shutil
import sys
from pathlib import Path

from gateway.db.migrations_folder import MIGRATIONS_FOLDER
from gateway.db.schema.additions import ADDITIONS, EXCLUDED_COLUMNS, EXCLUDED_TABLES
from gateway.db.schema.catalog import encode_catalog, load_wanted_bytes
from gateway.db.schema.drift import compare_tables
from gateway.db.schema.generate import build_wanted
from gateway.db.tables import TABLES

REPOSITORY = Path(__file__).resolve().parents[3]


async def test_the_checked_in_catalog_is_what_the_migrations_leave(base_url, newest_url, read):
    base, newest = await read(base_url), await read(newest_url)
    assert encode_catalog(build_wanted(base, newest)) == load_wanted_bytes()


async def test_the_code_agrees_with_the_catalog_that_the_newest_migrations_leave(newest_url, read):
    assert compare_tables(TABLES, await read(newest_url)) == ()


async def test_the_exclusions_and_additions_are_real_objects_of_litellm(
    base_url, newest_url, read, litellm_migrations
):
    base, newest = (await read(base_url)).by_name(), (await read(newest_url)).by_name()
    folders = {path.name: path for path in litellm_migrations}
    assert set(base) >= EXCLUDED_TABLES
    assert all(base[table].find_column(column) for table, column in EXCLUDED_COLUMNS)
    for addition in ADDITIONS:
        assert base[addition.table].find_column(addition.column) is None
        assert newest[addition.table].find_column(addition.column) is not None
        sql = (folders[addition.migration] / "migration.sql").read_text()
        assert f'"{addition.column}"' in sql
        assert f'"{addition.table}"' in sql


async def test_no_addition_is_mandatory_without_a_default(newest_url, read):
    newest = (await read(newest_url)).by_name()
    for addition in ADDITIONS:
        column = newest[addition.table].find_column(addition.column)
        assert column.nullable or column.default is not None


async def test_an_installed_package_finds_its_migrations_inside(database_url, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(REPOSITORY / "gateway", site / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "piccolo_migrations", site / "gateway" / "piccolo_migrations")
    program = (
        "import asyncio, sys\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        "from gateway.db.migrations_folder import MIGRATIONS_FOLDER\n"
        "from gateway.db.schema.upgrade import upgrade\n"
        "print(MIGRATIONS_FOLDER, *asyncio.run(upgrade(sys.argv[1])).migrations)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", program, database_url, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    output, _ = await process.communicate()
    folder, *migrations = output.decode().split()
    assert Path(folder) == site / "gateway" / "piccolo_migrations"
    assert len(migrations) == len(list(MIGRATIONS_FOLDER.glob("*.py")))
