"""Containers, where a Docker engine (not only its client) runs."""

import functools
import shutil
import subprocess


@functools.cache
def engine_runs() -> bool:
    """Whether `docker` reaches an engine. Blocks for ≤ 5 s the first time."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        asked = subprocess.run(
            [docker, "info", "--format", "{{.ServerVersion}}"], capture_output=True, timeout=5, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0
