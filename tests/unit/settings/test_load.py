import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import gateway.settings
from gateway.errors import ConfigError
from gateway.settings import Settings, load_settings
from gateway.settings.known_keys import SECTIONS

ROOT = Path(gateway.settings.__file__).parents[2]
ENVIRON = {"HOME": "/home/nobody", "SET": "7", "LITELLM_MASTER_KEY": ""}

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["os.environ/SET", "os.environ/NONE", "simple-shuffle", "mock/a", "30s", "", "*", "a/*"]
    )
)
_NAMES = st.sampled_from(
    sorted({name for keys in SECTIONS.values() for name in keys} | {"plugins", "limits"})
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
_DOCUMENTS = st.dictionaries(st.sampled_from(sorted(SECTIONS[""])) | st.text(max_size=6), _VALUES, max_size=5)


def _load_or_refuse(path: Path) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(load_settings(path, ENVIRON), Settings)


@hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_arbitrary_bytes_give_settings_or_a_config_error(tmp_path: Path, data: bytes):
    path = tmp_path / "config.yaml"
    path.write_bytes(data)
    _load_or_refuse(path)


_YAML = st.text(alphabet=st.sampled_from(list("ab:-[]{}&*!<|>'\"%@#,? \n\t\\x0u1.~")), max_size=60)


@hypothesis_settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=_YAML)
def test_anything_that_looks_like_yaml_gives_settings_or_a_config_error(tmp_path: Path, text: str):
    path = tmp_path / "config.yaml"
    path.write_text(text, "utf-8")
    _load_or_refuse(path)


@hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(document=_DOCUMENTS)
def test_known_keys_with_arbitrary_values_give_settings_or_a_config_error(
    tmp_path: Path, document: dict[str, object]
):
    yaml = pytest.importorskip("yaml")
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8", "surrogatepass")
    _load_or_refuse(path)


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_the_example_files_load_without_a_notice(path: Path):
    environ = {
        "HOME": "/h",
        "OPENAI_API_KEY": "sk-a",
        "AZURE_API_KEY": "b",
        "AZURE_API_BASE": "https://c.example",
    }
    loaded = load_settings(path, environ)
    assert loaded.models
    assert loaded.notices == ()


def test_the_quickstart_needs_no_variable_and_no_network():
    loaded = load_settings(ROOT / "config" / "quickstart.yaml", {"HOME": "/h"})
    assert [entry.litellm_params["model"] for entry in loaded.models] == ["mock/quickstart"]
    assert loaded.environment.database_url is None


def test_an_error_reads_file_line_key_path_message(tmp_path: Path):
    path = tmp_path / "config.yaml"
    path.write_text("router_settings:\n  routing_strategy: fastest\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, ENVIRON)
    assert str(caught.value).startswith(f"{path}:2: router_settings.routing_strategy: Expected one of")
    assert "Allowed: simple-shuffle" in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n", "{}\n"])
def test_an_empty_file_is_a_configuration(tmp_path: Path, text: str):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert load_settings(path, ENVIRON).models == ()


def test_importing_the_package_is_light():
    program = "import sys, gateway.settings; print(' '.join(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(run.stdout.split())
    assert not loaded & {
        "litestar",
        "asyncpg",
        "piccolo",
        "rich",
        "click",
        "pyreqwest",
        "aiohttp",
        "genai_prices",
    }
