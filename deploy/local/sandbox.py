"""Landlock: from `enter` on, this process reaches only the files it was given and opens no TCP connection.

The kernel's fence behind `guard`: what a statement makes the engine try, whichever words it found for it, fails there.
"""

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same numbers on every architecture
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}  # rights on files by the kernel's version of Landlock
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14  # those that a rule on a file, not a folder, may give
_CONNECT_TCP = 1 << 1
_PR_SET_NO_NEW_PRIVS = 38

# What the engine and Python read while they run. Not /proc/self.
_READ = (
    *(sysconfig.get_path("stdlib"), *(path for path in sys.path if path.endswith("-packages"))),
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/localtime"),
    *("/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/self/stat"),
    # Refused `auxv`, the engine looks for it behind the environment, where it is not once anything was set: a crash.
    *("/proc/self/statm", "/proc/self/status", "/proc/self/io", "/proc/self/maps", "/proc/self/auxv"),
    *("/sys/devices/system/cpu", "/sys/fs/cgroup", "/dev/urandom"),
)
# The engine looks what its threads cost, for every statement hundreds of times. Refused, each look is an exception with
# a stack trace, a fifth of all it does. Beside what is looked for lies `environ`.
_THREADS = "/proc/self/task"
_ENVIRONMENT = ("HOME", "LANG", "PATH", "TMPDIR", "TZ")


def version() -> int:
    """The kernel's version of Landlock; below 1: none. From 4 on it knows TCP."""
    if sys.platform != "linux":
        return 0
    return int(ctypes.CDLL(None).syscall(_CREATE, None, ctypes.c_size_t(0), 1))


def enter(folder: Path, read: Iterable[Path]) -> bool:
    """Leave `folder`, and to read `read`, to this thread and those it will start; False where the kernel has no fence.

    It cannot be undone. Of the environment what a library may need is left.
    """
    known = version()
    if known < 1:
        return False
    libc = ctypes.CDLL(None)
    files = _FILES[min(known, 3)]
    rights = struct.pack("QQ", files, _CONNECT_TCP) if known >= 4 else struct.pack("Q", files)
    fence = libc.syscall(_CREATE, rights, ctypes.c_size_t(len(rights)), 0)
    if fence < 0:
        return False
    try:
        threads = [_THREADS] if _forget_environment() else []
        for path in (*_READ, *threads, *map(str, read)):
            _allow(libc, fence, path, _READ_FILE | _READ_DIR)
        _allow(libc, fence, "/dev/null", _READ_FILE | _WRITE_FILE)
        _allow(libc, fence, str(folder), files & ~_EXECUTE)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_RESTRICT, fence, 0) == 0)
    finally:
        os.close(fence)


def _forget_environment() -> bool:
    """It may hold passwords, and the kernel shows it as this process was given it: there, too, it is overwritten."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        begin, end = map(int, Path("/proc/self/stat").read_text().rpartition(")")[2].split()[47:49])
    except (OSError, ValueError):
        return False
    if not 0 < begin < end:
        return False
    os.environ.clear()
    ctypes.memset(begin, 0, end - begin)
    os.environ.update(kept)
    return True


def _allow(libc: ctypes.CDLL, fence: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not Path(path).is_dir():
            rights &= _OF_FILES
        libc.syscall(_ADD_RULE, fence, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)
