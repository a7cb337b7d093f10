from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.settings import load_settings


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / "main.yaml"


def test_included_lists_are_joined_and_paths_count_from_the_naming_file(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    main = _write(
        tmp_path,
        main="include: [sub/models.yaml]\nmodel_list: [{model_name: a, litellm_params: {model: mock/a}}]\n",
    )
    _write(
        tmp_path / "sub",
        models="include: [more.yaml]\n",
        more=("\nmodel_list:\n- model_name: b\n  litellm_params: {model: mock/b}\n"),
    )
    settings = load_settings(main, {"HOME": "/home/x"})
    assert [entry.model_name for entry in settings.models] == ["a", "b"]
    assert settings.models[1].key_path == "model_list[1]"


def test_sections_are_merged_and_a_replaced_value_is_told(tmp_path: Path):
    main = _write(
        tmp_path,
        main="include: [other.yaml]\nlitellm_settings: {json_logs: true, request_timeout: 5}\n",
        other="litellm_settings: {request_timeout: 7}\n",
    )
    settings = load_settings(main, {"HOME": "/home/x"})
    assert settings.litellm.json_logs
    assert settings.litellm.request_timeout == 7.0
    assert [(notice.path, notice.line) for notice in settings.notices] == [
        ("litellm_settings.request_timeout", 1)
    ]


def test_files_that_include_each_other_are_refused(tmp_path: Path):
    main = _write(tmp_path, main="include: [other.yaml]\n", other="x-y: 1\ninclude: [main.yaml]\n")
    with pytest.raises(ConfigError, match="include each other") as caught:
        load_settings(main, {})
    assert caught.value.file is not None
    assert caught.value.file.endswith("other.yaml")
    assert (caught.value.line, caught.value.path) == (2, "include[0]")


def test_an_error_in_an_included_file_names_that_file(tmp_path: Path):
    main = _write(tmp_path, main="include: [other.yaml]\n", other="\nlitellm_settings:\n  json_logs: 7\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(main, {})
    assert caught.value.file == str(tmp_path / "other.yaml")
    assert caught.value.line == 3


@pytest.mark.parametrize("value", ["[absent.yaml]", "{a: b}", "[3]", "['']", "'" + "x" * 5000 + "'"])
def test_what_cannot_be_included_is_refused(tmp_path: Path, value: str):
    with pytest.raises(ConfigError) as caught:
        load_settings(_write(tmp_path, main=f"include: {value}\n"), {})
    assert caught.value.line == 1


def test_many_files_through_a_diamond_are_bounded(tmp_path: Path):
    files = {f"f{n}": f"include: [f{n + 1}.yaml, f{n + 1}.yaml]\n" for n in range(12)}
    main = _write(tmp_path, main="include: f0.yaml\n", f12="x-a: 1\n", **files)
    with pytest.raises(ConfigError, match="files are included"):
        load_settings(main, {})
