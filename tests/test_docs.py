"""What the docs say is true: their commands run, their settings load, their links lead somewhere.

Every line of a `sh` block that begins with `callagent` is run, in order, in a folder of the page's
own, with a sandbox and examples/contacts.csv; it must end with status 0, or with the one that a
comment `# status N` behind it names. `cd` is followed.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from callagent_cli.config.loading import load_settings
from tests.support.command_line import call

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path for path in (ROOT / "docs").rglob("*.md") if path.parent.name not in ("adr", "reference")
)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#]+)")
_PATH = re.compile(r"`((?:docs|examples|tests|benchmarks|callagent_cli)/[\w./-]+)`")


def blocks(page: Path, language: str) -> Iterator[str]:
    return (body for kind, body in _BLOCK.findall(page.read_text()) if kind == language)


def commands(page: Path) -> list[str]:
    lines = (line for body in blocks(page, "sh") for line in body.splitlines())
    return [line for line in lines if line.startswith(("callagent ", "cd "))]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "examples/contacts.csv", tmp_path / "contacts.csv")
    (tmp_path / "config.yml").write_text("sandbox: {speed: 1000000}\n")
    for name in ("crontab", "systemctl"):  # never this machine's own
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\ncat >/dev/null </dev/null\n")
        program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=named)
def test_every_command_of_a_page_runs(page: Path, folder: Path) -> None:
    home, path = str(folder), f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for line in commands(page):
        typed, _, comment = line.partition("  #")
        if typed.startswith("cd "):
            folder = folder / typed.removeprefix("cd ").strip()
            continue
        expected = int(found[1]) if (found := re.search(r"status (\d+)", comment)) else 0
        words = shlex.split(typed)[1:]
        ended = call(folder, *words, HOME=home, PATH=path)
        assert ended.status == expected, f"{line}\n{ended.out}{ended.err}"
        assert "Traceback" not in ended.err


@pytest.mark.parametrize("page", [p for p in PAGES if [*blocks(p, "yaml")]], ids=named)
def test_every_setting_of_a_page_loads(page: Path, tmp_path: Path) -> None:
    for body in blocks(page, "yaml"):
        config = tmp_path / "config.yml"
        config.write_text(body)
        load_settings(config, {}, tmp_path)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=named)
def test_every_page_and_file_that_is_named_exists(page: Path) -> None:
    text = page.read_text()
    links = [link for link in _LINK.findall(text) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in _PATH.findall(text) if not (ROOT / path).exists()]
    assert missing == []


def test_the_reference_is_what_the_code_says() -> None:
    command = [sys.executable, "docs/make_reference.py", "--check"]
    environ = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{ended.stdout}run docs/make_reference.py"
