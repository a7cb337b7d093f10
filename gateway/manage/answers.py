"""Answers of management routes."""

from typing import Any

from litestar import Response

from gateway.manage.body import ReadBody

__all__ = ["Answer", "answer"]

Answer = Response[Any]


def answer(content: object, body: ReadBody[Any]) -> Answer:
    """The content, with the header that names what of the body was ignored."""
    return Response(content, headers=body.headers)
