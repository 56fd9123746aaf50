"""What people install: built, installed and used without the repository.

Takes half a minute and the package registry, so only where CALLAGENT_REQUIRE names `package`.
"""

import email
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from callagent_cli import __version__
from tests.support.requirements import is_required

ROOT = Path(__file__).parents[2]
CSV = "name,phone\nAda,+12025550101\nBob,+12025550102\n"

pytestmark = [
    pytest.mark.skipif(
        not is_required("package"),
        reason="set CALLAGENT_REQUIRE=package to build and install the package",
    ),
    pytest.mark.timeout(600),
]


def ran(*words: str | Path, cwd: Path, **environ: str) -> str:
    """What a command says on stdout, in an environment that knows nothing of the repository."""
    ended = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def tracked(*under: str) -> set[str]:
    return set(subprocess.check_output(["git", "ls-files", *under], cwd=ROOT, text=True).split())


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment in which the wheel alone is installed."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
    pip = folder / "bin" / "pip"
    subprocess.run([pip, "install", "--quiet", wheel], check=True, cwd=folder, timeout=300)
    return folder / "bin" / "python"


def test_the_wheel_is_the_package_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    manual = {name for name in held if name.endswith(".data/data/share/man/man1/callagent.1")}
    assert len(manual) == 1
    assert held - manual == tracked("callagent_cli")


def test_the_sdist_has_what_it_takes_to_build_and_test(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert held >= tracked("callagent_cli", "tests", "examples", "pyproject.toml", "LICENSE")
    assert {name for name in held if name.endswith((".pyc", ".db", ".env"))} == set()


def test_the_package_says_what_it_is(wheel: Path) -> None:
    told = metadata_of(wheel)
    assert told["Version"] == __version__
    assert told["Requires-Python"] == ">=3.11"
    assert told["License-Expression"] == "MIT"
    assert "apprise" in (told.get_all("Provides-Extra") or [])
    assert "Environment :: Console" in (told.get_all("Classifier") or [])
    assert "AI phone-call" in told["Summary"]


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_it_answers_from_any_folder(python: Path, tmp_path: Path) -> None:
    command = python.with_name("callagent")
    assert ran(command, "--version", cwd=tmp_path) == f"callagent {__version__}\n"
    assert "AI phone-call campaigns" in ran(command, "--help", cwd=Path("/"))
    module = ran(python, "-m", "callagent_cli", "--version", cwd=tmp_path)
    assert module == f"callagent {__version__}\n"


def test_a_campaign_runs_from_any_folder(python: Path, tmp_path: Path) -> None:
    callagent = python.with_name("callagent")
    (tmp_path / "spring.csv").write_text(CSV)
    (tmp_path / "config.yml").write_text(
        "sandbox: {speed: 1000000}\ncampaign: {calling_window: null}\n"
    )
    summary = json.loads(ran(callagent, "run", "spring.csv", "--json", cwd=tmp_path))
    assert summary["dialled"] >= 2
    report = json.loads(ran(callagent, "report", "spring", "--json", cwd=tmp_path))
    assert len(report["contacts"]) == 2
    ran(callagent, "report", "spring", "--html", "spring.html", cwd=tmp_path)
    assert "</html>" in (tmp_path / "spring.html").read_text()
    ran(callagent, "contacts", "check", "spring.csv", cwd=tmp_path)
    ran(callagent, "simulate", "--fail", "elevenlabs", cwd=tmp_path)


def test_no_installed_module_needs_what_is_not_installed(python: Path, tmp_path: Path) -> None:
    """But for the extras, which say so themselves."""
    code = (
        "import importlib, pkgutil, callagent_cli\n"
        "for module in pkgutil.walk_packages(callagent_cli.__path__, 'callagent_cli.'):\n"
        "    if not module.name.endswith(('__main__', 'apprise_channel')):\n"
        "        importlib.import_module(module.name)\n"
    )
    ran(python, "-c", code, cwd=tmp_path)


def test_pipx_installs_it(wheel: Path, tmp_path: Path) -> None:
    places = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    subprocess.run(
        [sys.executable, "-m", "pipx", "install", "--python", sys.executable, wheel],
        env={**os.environ, **places},
        check=True,
        capture_output=True,
        timeout=300,
    )
    assert ran(tmp_path / "bin" / "callagent", "--version", cwd=tmp_path).startswith("callagent")
