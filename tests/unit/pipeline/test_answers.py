"""What becomes of an error that was answered."""

from gateway.errors import GatewayError
from gateway.pipeline.answers import drop_frames


def test_an_error_that_is_part_of_its_own_history_is_forgotten_too() -> None:
    first, second = GatewayError("first"), ValueError("second")
    try:
        try:
            raise first
        except GatewayError:
            raise second from first
    except ValueError:
        first.__cause__ = second
    drop_frames(second)
    assert (first.__traceback__, second.__traceback__) == (None, None)
