"""What the routes that take a file have in common."""

from typing import Any

from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from gateway.errors import ValidationFailed

__all__ = ["read_file"]


async def read_file(request: Request[Any, Any, Any], most: int) -> tuple[str, bytes]:
    """Name and content of the part `file` of a form, one byte more than `most` where there is more.

    Raises ValidationFailed where none was sent.
    """
    try:
        form = await request.form()
    except ClientException:
        form = None
    file = None if form is None else form.get("file")
    if not isinstance(file, UploadFile):
        message = "Send the file as the part 'file' of a form (multipart/form-data)."
        raise ValidationFailed(message, param="file")
    try:
        return file.filename, await file.read(most + 1)
    finally:
        await file.close()
