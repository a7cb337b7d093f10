"""The scripts that run in Redis."""

from importlib.resources import files

from gateway.cache.redis_link import Script

__all__ = ["ADJUST", "HEARTBEAT", "HOLDS", "INHERIT", "LEAVE", "LEDGER", "REAP", "SEED"]


def _read(name: str) -> Script:
    return Script(files(__package__ or "").joinpath(f"{name}.lua").read_text("utf-8"))


ADJUST = _read("adjust")
HEARTBEAT = _read("heartbeat")
HOLDS = _read("holds")
INHERIT = _read("inherit")
LEAVE = _read("leave")
LEDGER = _read("ledger")
REAP = _read("reap")
SEED = _read("seed")
