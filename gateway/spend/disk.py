"""Bringing a file's bytes to the disk, by what the operating system has for it."""

import os
from collections.abc import Callable

__all__ = ["sync_data"]

sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
"""Return when what was written to a file descriptor is on the disk; raises OSError.

macOS has no `fdatasync`: there the file's times are written too.
"""
