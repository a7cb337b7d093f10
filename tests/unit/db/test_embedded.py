import asyncio
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from gateway.db.embedded import EmbeddedPostgres
from gateway.db.embedded_account import Account, choose_account, find_binaries
from gateway.db.embedded_folder import SocketPath, network_filesystem
from gateway.db.embedded_probe import accepts_connections
from gateway.errors import ConfigError, StartupError

OWNER = """
import sys, time
from pathlib import Path
from gateway.db.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
print(server.start(), server.process_id, flush=True)
time.sleep(600)
"""
THREADED_OWNER = """
import sys, threading, time
from pathlib import Path
from gateway.db.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
thread = threading.Thread(target=server.start)
thread.start()
thread.join()
print(server.url, server.process_id, flush=True)
time.sleep(600)
"""
ORDINARY_USER = """
import os, sys
from pathlib import Path
from gateway.db.embedded import EmbeddedPostgres
uid = int(sys.argv[2])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
with EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off"}) as server:
    print(Path(f"/proc/{server.process_id}").stat().st_uid)
"""
FAST = {"fsync": "off"}


@pytest.fixture(scope="module")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a stopped database; tests start and stop it in turn."""
    folder = tmp_path_factory.mktemp("embedded")
    EmbeddedPostgres(folder, settings=FAST).__enter__().stop()
    return folder


def query(url: str, sql: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start_owner(folder: Path, script: str = OWNER) -> tuple["subprocess.Popen[str]", str, int]:
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert owner.stdout is not None
    url, pid = owner.stdout.readline().split()
    return owner, url, int(pid)


def end(owner: "subprocess.Popen[str]") -> None:
    owner.kill()
    owner.communicate()


def test_a_restart_keeps_the_data(made_folder: Path) -> None:
    with EmbeddedPostgres(made_folder) as server:
        query(server.url, "CREATE TABLE kept AS SELECT 7 AS number")
    with EmbeddedPostgres(made_folder) as server:
        assert query(server.url, "SELECT number FROM kept") == 7


def test_nothing_listens_on_tcp_and_only_the_owner_may_enter_the_folder(made_folder: Path) -> None:
    with EmbeddedPostgres(made_folder) as server:
        assert query(server.url, "SELECT current_setting('listen_addresses')") == ""
        assert stat.S_IMODE((made_folder / "pg18").stat().st_mode) == 0o700
        assert stat.S_IMODE((made_folder / "pg18.json").stat().st_mode) == 0o600


def test_the_server_is_tuned_for_one_gateway(made_folder: Path) -> None:
    with EmbeddedPostgres(made_folder) as server:
        assert query(server.url, "SELECT current_setting('shared_buffers')") == "32MB"
        assert query(server.url, "SELECT current_setting('fsync')") == "on"
        assert query(server.url, "SELECT current_setting('server_encoding')") == "UTF8"


def test_stop_may_be_called_twice_and_takes_the_url_away(made_folder: Path) -> None:
    server = EmbeddedPostgres(made_folder)
    url = server.start()
    assert server.start() == url
    server.stop()
    server.stop()
    assert server.process_id is None
    with pytest.raises(StartupError, match="not started"):
        _ = server.url


def test_a_second_start_attaches_and_leaves_the_server_to_its_owner(made_folder: Path) -> None:
    with EmbeddedPostgres(made_folder) as owner:
        with EmbeddedPostgres(made_folder) as guest:
            assert guest.url == owner.url
            assert guest.process_id is None
        assert query(owner.url, "SELECT 1") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_postgres_outlives_an_owner_that_is_killed(made_folder: Path, number: signal.Signals) -> None:
    owner, url, pid = start_owner(made_folder)
    try:
        with EmbeddedPostgres(made_folder) as guest:
            assert (guest.url, guest.process_id) == (url, None)
        owner.send_signal(number)
        owner.wait(10)
        assert wait_until(lambda: not is_alive(pid))
    finally:
        end(owner)
    with EmbeddedPostgres(made_folder) as server:
        assert server.process_id is not None
        assert query(server.url, "SELECT 1") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_started_in_a_thread_lives_as_long_as_the_process_and_no_longer(made_folder: Path) -> None:
    owner, url, pid = start_owner(made_folder, THREADED_OWNER)
    try:
        assert query(url, "SELECT 1") == 1
        assert is_alive(pid)
        owner.kill()
        owner.wait(10)
        assert wait_until(lambda: not is_alive(pid))
    finally:
        end(owner)


def test_ctrl_c_in_the_terminal_of_the_owner_does_not_reach_postgres(made_folder: Path) -> None:
    with EmbeddedPostgres(made_folder) as server:
        assert server.process_id is not None
        assert os.getpgid(server.process_id) == server.process_id


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(made_folder: Path) -> None:
    (made_folder / "pg18" / "postmaster.pid").write_text(f"{os.getpid()}\n{made_folder}\n1\n5432\n.\n\n")
    with EmbeddedPostgres(made_folder) as server:
        assert server.process_id is not None


def test_a_pid_file_that_was_cut_short_does_not_stop_the_start(made_folder: Path) -> None:
    (made_folder / "pg18" / "postmaster.pid").write_text("")
    with EmbeddedPostgres(made_folder) as server:
        assert server.process_id is not None


def test_a_server_that_was_killed_is_recovered_at_the_next_start(made_folder: Path) -> None:
    server = EmbeddedPostgres(made_folder)
    query(server.start(), "CREATE TABLE survives AS SELECT 1 AS number")
    assert server.process_id is not None
    os.kill(server.process_id, signal.SIGKILL)
    server.stop()
    with EmbeddedPostgres(made_folder) as again:
        assert query(again.url, "SELECT number FROM survives") == 1


def test_a_server_that_died_under_its_owner_is_started_again(made_folder: Path) -> None:
    with EmbeddedPostgres(made_folder) as server:
        assert server.ensure_running() is False
        assert server.process_id is not None
        os.kill(server.process_id, signal.SIGKILL)
        assert wait_until(server.ensure_running)
        assert query(server.url, "SELECT 1") == 1


def test_a_long_folder_is_reached_by_a_short_private_path(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    path = SocketPath(folder)
    assert len(str(path.folder)) < 80
    assert path.folder.resolve() == folder.resolve()
    assert stat.S_IMODE(path.folder.parent.stat().st_mode) == 0o700
    path.remove()
    assert not path.folder.parent.exists()
    assert folder.exists()


def test_a_database_in_a_long_folder_answers(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / ("x" * 60) / ("y" * 60), settings=FAST) as server:
        assert query(server.url, "SELECT 1") == 1


def test_a_first_start_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    draft = tmp_path / "pg18.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path, settings=FAST) as server:
        assert query(server.url, "SELECT 1") == 1
    assert not draft.exists()


def test_another_major_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pg18").mkdir()
    (tmp_path / "pg18" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ConfigError, match="PostgreSQL 16; this release runs 18"):
        EmbeddedPostgres(tmp_path).start()


def test_a_refused_start_frees_the_lock(tmp_path: Path) -> None:
    (tmp_path / "pg18").mkdir()
    for _ in range(2):
        with pytest.raises(ConfigError, match="unknown version"):
            EmbeddedPostgres(tmp_path, start_timeout_seconds=0).start()


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be created"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()


def test_a_full_disk_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.db.embedded_folder._NEEDED_BYTES", 1 << 60)
    with pytest.raises(ConfigError, match="is full"):
        EmbeddedPostgres(tmp_path).start()
    assert not (tmp_path / "pg18").exists()


def test_a_server_that_cannot_start_says_why(made_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.db.embedded._RETRY_SECONDS", 0.0)
    with pytest.raises(StartupError, match="shared_buffers"):
        EmbeddedPostgres(made_folder, settings={"shared_buffers": "none"}).start()


def test_a_holder_of_the_lock_whose_database_is_silent_is_reported(made_folder: Path) -> None:
    with EmbeddedPostgres(made_folder):
        (made_folder / "pg18.json").write_text(json.dumps({"owner_pid": 1, "socket_folder": "/nonexistent"}))
        with pytest.raises(StartupError, match="does not answer"):
            EmbeddedPostgres(made_folder, start_timeout_seconds=0.05).start()


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /mnt/share rw,relatime shared:9 - nfs4 server:/x rw
31 30 0:41 / /mnt/share/local\\040disk rw - ext4 /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("/mnt/share/db", "nfs4"), ("/mnt/share/local disk/db", None), ("/mnt/shared", None), ("/home/a", None)],
)
def test_a_network_file_system_is_recognised_by_its_mount(
    tmp_path: Path, folder: str, expected: str | None
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert network_filesystem(Path(folder), mounts) == expected


def test_nothing_is_known_where_there_is_no_list_of_mounts(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path, tmp_path / "missing") is None


def test_nobody_answers_on_a_socket_that_does_not_exist(tmp_path: Path) -> None:
    assert not accepts_connections(tmp_path, user="gatewright", database="postgres")


def test_an_unknown_database_is_not_readiness(made_folder: Path) -> None:
    with EmbeddedPostgres(made_folder):
        assert not accepts_connections(made_folder / "pg18", user="gatewright", database="missing")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
class TestAsRoot:
    def test_the_server_runs_under_an_account_that_is_nobody_elses(self, made_folder: Path) -> None:
        with EmbeddedPostgres(made_folder) as server:
            uid = Path(f"/proc/{server.process_id}").stat().st_uid
        assert uid == (made_folder / "pg18").stat().st_uid
        assert uid not in {0, 65534}

    @pytest.fixture
    def open_place(self) -> Iterator[Path]:
        """A folder that every user can reach, unlike pytest's own."""
        place = Path(tempfile.mkdtemp(dir="/tmp"))
        place.chmod(0o777)
        yield place
        shutil.rmtree(place)

    def test_an_ordinary_user_runs_the_server_as_itself(self, open_place: Path) -> None:
        uid = str(pwd.getpwnam("nobody").pw_uid)
        command = [sys.executable, "-c", ORDINARY_USER, str(open_place / "data"), uid]
        assert subprocess.check_output(command, timeout=60, text=True).strip() == uid

    def test_a_user_without_a_passwd_entry_is_told_what_to_do(self, open_place: Path) -> None:
        command = [sys.executable, "-c", ORDINARY_USER, str(open_place / "data"), "54321"]
        result = subprocess.run(command, check=False, capture_output=True, timeout=60, text=True)
        assert "User id 54321 has no entry in /etc/passwd" in result.stderr

    def test_no_folder_above_the_database_is_opened(self, tmp_path: Path) -> None:
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        with EmbeddedPostgres(private / "data", settings=FAST) as server:
            assert query(server.url, "SELECT 1") == 1
        for folder in (private, private / "data"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert folder.stat().st_uid == 0

    def test_an_existing_folder_keeps_its_owner(self, tmp_path: Path) -> None:
        os.chown(tmp_path, 1234, 1234)
        account = choose_account(tmp_path)
        assert account is not None
        assert (account.uid, account.gid) == (1234, 1234)

    def test_binaries_below_a_closed_folder_are_copied_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.db.embedded_account._is_open_to_others", lambda path: False)
        monkeypatch.setattr("gateway.db.embedded_account._CACHE", tmp_path / "cache")
        account = Account(60906, 60906, 65534, 65534)
        copied = find_binaries(account)
        assert copied.is_relative_to(tmp_path)
        inode = (copied / "postgres").stat().st_ino
        assert find_binaries(account) == copied
        assert (copied / "postgres").stat().st_ino == inode
        assert b"18" in subprocess.check_output([copied / "initdb", "-V"])
