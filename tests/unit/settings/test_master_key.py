import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from gateway.domain import Secret
from gateway.errors import ConfigError
from gateway.settings import Environment, ensure_master_key
from gateway.settings.master_key import find_weakness

STRONG = "sk-4f9a1c77e2b8d035"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(data_dir=tmp_path / "deep" / "data")


def test_a_configured_key_is_taken_and_nothing_is_written(tmp_path: Path):
    found = ensure_master_key(Environment(data_dir=tmp_path / "data", master_key=Secret(STRONG)))
    assert (found.key, found.is_new, found.path) == (Secret(STRONG), False, None)
    assert not (tmp_path / "data").exists()


def test_a_key_is_made_once_and_kept_for_its_owner_only(environment: Environment):
    first = ensure_master_key(environment)
    again = ensure_master_key(environment)
    assert first.is_new
    assert not again.is_new
    assert first.key == again.key
    assert find_weakness(first.key.reveal()) is None
    path = environment.data_dir / "master_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(environment.data_dir.stat().st_mode) == 0o700
    assert [child.name for child in environment.data_dir.iterdir()] == ["master_key"]


def test_starts_at_the_same_time_agree_on_one_key(environment: Environment):
    gate = Barrier(8)

    def start(_: int):
        gate.wait(10)
        return ensure_master_key(environment)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(start, range(8)))
    assert len({item.key for item in found}) == 1
    assert sum(item.is_new for item in found) == 1
    assert [child.name for child in environment.data_dir.iterdir()] == ["master_key"]


def test_a_file_system_without_links_keeps_the_key_too(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert ensure_master_key(environment).is_new
    assert not ensure_master_key(environment).is_new
    assert [child.name for child in environment.data_dir.iterdir()] == ["master_key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_is_refused(environment: Environment, mode: int):
    ensure_master_key(environment)
    (environment.data_dir / "master_key").chmod(mode)
    with pytest.raises(ConfigError, match="others"):
        ensure_master_key(environment)


def test_a_link_in_the_place_of_the_file_is_refused(environment: Environment, tmp_path: Path):
    environment.data_dir.mkdir(parents=True)
    target = tmp_path / "elsewhere"
    target.write_text(STRONG)
    (environment.data_dir / "master_key").symlink_to(target)
    with pytest.raises(ConfigError, match="cannot be kept"):
        ensure_master_key(environment)


@pytest.mark.parametrize("content", [b"", b"\n", b"sk-1234\n", b"\xff\xfe"])
def test_a_file_without_a_usable_key_is_refused(environment: Environment, content: bytes):
    environment.data_dir.mkdir(parents=True)
    path = environment.data_dir / "master_key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        ensure_master_key(environment)
    assert str(path) in str(caught.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be kept"):
        ensure_master_key(Environment(data_dir=tmp_path / "file" / "data"))


def test_the_file_is_never_larger_than_a_key(environment: Environment):
    ensure_master_key(environment)
    assert (environment.data_dir / "master_key").stat().st_size < 64


@pytest.mark.parametrize("key", ["sk-1234", "SK-1234", "my_master_key", "sk-0123456789", "sk-" + "ab" * 20])
def test_weak_keys_are_known(key: str):
    assert find_weakness(key) is not None


def test_strong_keys_are_not_weak():
    assert find_weakness(STRONG) is None
