"""Code that only the start needed: a third of what the engine takes of a small machine while it idles."""

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

_DONTNEED = 4


def give_back(library: str) -> None:
    """Let go of what is mapped of the library's code. Nothing writes code: what runs on comes again from the file, or
    from the kernel's cache of it, 64 KiB at a time."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    with suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            place, rights = line.split(maxsplit=2)[:2]
            if rights == "r-xp" and line.endswith(f"/{library}"):
                begin, end = (int(side, 16) for side in place.split("-"))
                libc.madvise(begin, end - begin, _DONTNEED)
