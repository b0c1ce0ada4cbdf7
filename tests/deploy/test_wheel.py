"""The wheel is the whole program: built, installed into a bare environment, started there, its page opened."""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.nightly, pytest.mark.services]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `throughline` of a new environment, which knows nothing of this tree."""
    assert (ROOT / "api" / "static" / "index.html").is_file(), "make pages"
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=600)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "bare", with_pip=True)
    bin_ = folder / "bare" / "bin"
    subprocess.run([bin_ / "python", "-m", "pip", "-q", "install", f"{wheel}[local]"], check=True, timeout=1200)
    return bin_ / "throughline"


def test_the_dashboard_is_in_it(installed: Path, tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [str(installed), "up", "--data", str(tmp_path / "data"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ, cwd=tmp_path) as process:
        try:
            assert process.stdout is not None
            url = next(line.split()[1] for line in process.stdout if line.startswith("ready "))
            with urlopen(f"{url}/sites", timeout=30) as answer:  # noqa: S310 - our own
                page = answer.read().decode()
            assets = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
            assert any(name.endswith(".js") for name in assets) and any(name.endswith(".css") for name in assets)
            for path in (*assets, "/t.js", "/api/docs"):
                with urlopen(url + path, timeout=30) as answer:  # noqa: S310
                    assert answer.status == 200
        finally:
            process.terminate()
            process.wait(30)


def test_what_only_developers_need_is_not_in_it(installed: Path) -> None:
    (packages,) = (installed.parents[1] / "lib").glob("python*/site-packages")
    assert (packages / "rollups" / "schema" / "0001_migrations.sql").is_file()
    assert not (packages / "api" / "pages").exists() and not (packages / "tests").exists()
