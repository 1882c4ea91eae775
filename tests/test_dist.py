"""What `make dist` builds stands alone: the wheel in an environment of its own, far from the checkout."""

import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.processes import call

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
PINNED = {key: "constraints.txt" for key in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")}


def run(where: Path, *command: str | Path, **extra: str) -> str:
    """Run in a folder, without what leads Python back to the checkout, and give standard output."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | extra
    done = call([str(word) for word in command], cwd=where, env=environment, timeout=1500)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def files(package: Path) -> set[str]:
    """All that git would hold of the package, relative to the checkout."""
    found = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(package.parent).as_posix() for path in found}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(ROOT, sys.executable, "-m", "build", "--outdir", str(out), **PINNED)
    return out


def test_wheel_and_archive_hold_the_whole_package(built):
    (wheel,), (archive,) = built.glob("*.whl"), built.glob("*.tar.gz")
    in_wheel = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("sublearn/")}
    assert in_wheel == files(ROOT / "sublearn")
    assert {"sublearn/py.typed", "sublearn/__init__.pyi", "sublearn/report/page.html.j2"} <= in_wheel
    with tarfile.open(archive) as opened:
        in_archive = {name.partition("/")[2] for name in opened.getnames()}
    assert files(ROOT / "sublearn") | files(ROOT / "tests") <= in_archive
    assert {"constraints.txt", "Makefile", "README.md", "LICENSE", "examples/tutorial.ipynb"} <= in_archive


def test_the_wheel_alone_tells_the_story(built, tmp_path):
    (wheel,) = built.glob("*.whl")
    run(tmp_path, sys.executable, "-m", "venv", "alone")
    binaries = tmp_path / "alone" / "bin"
    run(tmp_path, binaries / "python", "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), str(wheel))
    found = run(tmp_path, binaries / "python", "-c", "import sublearn; print(sublearn.__file__, sublearn.__version__)")
    assert found.startswith(str(tmp_path / "alone"))
    assert "SUPPORTED" in run(tmp_path, binaries / "sublearn", "demo", "--out", "told")
    page = (tmp_path / "told" / "report.html").read_text()
    assert "<svg" in page
    assert "SUPPORTED" in page.upper()
