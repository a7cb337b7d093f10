"""Reads a `.prompt` file: settings in YAML between two lines of `---`, and the template below them."""

from typing import cast

from gateway.errors import BadRequest, ConfigError
from gateway.settings.faults import Faults
from gateway.settings.node import plain
from gateway.settings.yaml_reader import read_yaml_text

__all__ = ["LARGEST", "read_dotprompt"]

LARGEST = 1024 * 1024
"""Bytes of a file."""
_SUFFIX, _FENCE = ".prompt", "---"


def read_dotprompt(name: str, data: bytes) -> dict[str, object]:
    """The prompt's id, which is the file's name, with `metadata` and `content`.

    The template is not looked into. Raises BadRequest for a file that is none.
    """
    if not name.endswith(_SUFFIX) or name == _SUFFIX:
        raise _refuse(f"The file's name must end in {_SUFFIX}.")
    if len(data) > LARGEST:
        raise _refuse(f"The file must have at most {LARGEST} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refuse("The file is not UTF-8.") from None
    settings, template = _split(text.replace("\r\n", "\n"))
    json_data = {"content": template.strip(), "metadata": _read_settings(settings, name)}
    return {"prompt_id": name.removesuffix(_SUFFIX), "json_data": json_data}


def _split(text: str) -> tuple[str, str]:
    lines = text.lstrip().split("\n")
    if lines[0].rstrip() != _FENCE:
        return "", text
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :])
    raise _refuse(f"The settings have no end: a second line of {_FENCE} is missing.")


def _read_settings(text: str, name: str) -> dict[str, object]:
    faults = Faults()
    try:
        read = plain(read_yaml_text(text, name, faults))
        faults.refuse()
    except ConfigError as error:
        raise _refuse(str(error)) from None
    if not isinstance(read, dict):
        raise _refuse("The settings must be an object.")
    return cast("dict[str, object]", read)  # the reader refuses keys that are no texts


def _refuse(message: str) -> BadRequest:
    return BadRequest(f"file: {message}", param="file", type="bad_request_error")
