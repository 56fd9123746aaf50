"""Completion, asked by the shells themselves."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from callagent_cli.cli.suggestions import CHANNELS, SERVICES
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.ledger.names import peek_campaign_names
from callagent_cli.ledger.store import Ledger
from callagent_cli.wiring.probers import probers
from tests.support.command_line import Typed, environ
from tests.support.requirements import do_without

PATIENCE_S = 30.0

Complete = Callable[[str], list[str]]


def need(shell: str) -> None:
    do_without(shell, "" if shutil.which(shell) else f"{shell} is not installed")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with two campaigns in its ledger, and `callagent` to be found on the PATH."""
    with Ledger.open(tmp_path / ".callagent", name="sandbox", clock=SystemClock()) as ledger:
        for campaign in ("spring", "summer", "$(touch evil)"):
            ledger.import_contacts(campaign, [], source="x.csv")
    (tmp_path / "people.csv").touch()
    command = tmp_path / "bin" / "callagent"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m callagent_cli "$@"\n')
    command.chmod(0o755)
    return tmp_path


def around(home: Path) -> dict[str, str]:
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    return environ(PATH=path, HOME=str(home), TERM="dumb", PS1="> ")


def output(home: Path, *words: str) -> str:
    ended = subprocess.run(
        words,
        cwd=home,
        env=around(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stderr == ""
    return ended.stdout


def bash(home: Path, line: str) -> list[str]:
    """What Tab offers at the end of the line."""
    words = line.split(" ")
    script = f"""
        eval "$(callagent completion bash)"
        complete -p callagent | grep --quiet -- "-F _callagent_completion callagent" || exit 1
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
        _callagent_completion callagent
        printf "%s\\n" "${{COMPREPLY[@]}}"
    """
    return output(home, "bash", "--norc", "-c", script).split()


def fish(home: Path, line: str) -> list[str]:
    script = f"callagent completion fish | source; complete -C '{line}'"
    told = output(home, "fish", "--no-config", "-c", script)
    return [offer.partition("\t")[0] for offer in told.splitlines()]


@pytest.fixture(params=[bash, fish])
def complete(request: pytest.FixtureRequest, home: Path) -> Complete:
    need(request.param.__name__)
    return lambda line: request.param(home, line)


def test_commands_and_their_parts_are_offered(complete: Complete) -> None:
    assert complete("callagent repo") == ["report"]
    assert set(complete("callagent config ")) >= {"check", "show", "schema"}
    assert "--dry-run" in complete("callagent run --dr")


def test_campaigns_of_the_ledger_are_offered(complete: Complete, home: Path) -> None:
    assert sorted(complete("callagent report ")) == ["spring", "summer"]
    assert complete("callagent report sp") == ["spring"]
    assert sorted(complete("callagent run people.csv --campaign s")) == ["spring", "summer"]
    assert not (home / "evil").exists()


def test_campaigns_of_another_config_are_offered(complete: Complete, home: Path) -> None:
    (home / "else").mkdir()
    (home / "else" / "config.yml").write_text("state_dir: kept\n")
    with Ledger.open(home / "else" / "kept", name="sandbox", clock=SystemClock()) as ledger:
        ledger.import_contacts("autumn", [], source="x.csv")
    assert complete("callagent --config else/config.yml report a") == ["autumn"]
    assert complete("callagent report --config else/config.yml a") == ["autumn"]


def test_services_and_channels_are_offered(complete: Complete) -> None:
    assert complete("callagent health el") == ["elevenlabs"]
    assert complete("callagent alerts test te") == ["telegram"]
    assert complete("callagent simulate --fail cr") == ["crm"]


@pytest.mark.parametrize("config", ["state_dir: [", "state_dir: none\n", "- 1\n", "\xff"])
def test_what_is_broken_offers_nothing_and_says_nothing(
    complete: Complete, home: Path, config: str
) -> None:
    (home / "config.yml").write_text(config, encoding="latin-1")
    offered = complete("callagent report z")
    assert offered == []


def test_fish_offers_files_where_nothing_else_fits(home: Path) -> None:
    need("fish")
    assert "people.csv" in fish(home, "callagent run peo")


def test_zsh_completes_commands_and_campaigns(home: Path) -> None:
    need("zsh")
    with closing(_Zsh(home)) as zsh:
        zsh.type("autoload -U compinit; compinit -u\n")
        zsh.type('eval "$(callagent completion zsh)"; echo rea""dy\n')
        zsh.wait_for("ready")
        zsh.type("callagent repo\t")
        zsh.wait_for("callagent report")
        zsh.type("sp\t")
        zsh.wait_for("callagent report spring")


class _Zsh:
    """A zsh that believes that a person types."""

    def __init__(self, home: Path) -> None:
        self._terminal, shells_end = pty.openpty()
        self._process = subprocess.Popen(
            ["zsh", "-f", "-i"],
            cwd=home,
            env=around(home),
            stdin=shells_end,
            stdout=shells_end,
            stderr=shells_end,
            start_new_session=True,
        )
        os.close(shells_end)
        self._seen = ""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str) -> None:
        """Whatever a terminal is told in between."""
        until_s = time.monotonic() + PATIENCE_S
        while text not in re.sub(r"\W+", " ", self._seen):
            left_s = until_s - time.monotonic()
            assert left_s > 0, self._seen
            if select.select([self._terminal], [], [], left_s)[0]:
                self._seen += os.read(self._terminal, 4096).decode(errors="replace")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


def test_an_unknown_shell_names_those_that_are_known(typed: Typed) -> None:
    ended = typed("completion", "tcsh")
    assert (ended.status, ended.out) == (2, "")
    assert "no completion for the shell 'tcsh'" in ended.err
    assert "bash|zsh|fish" in ended.err


def test_what_is_offered_is_what_health_looks_at() -> None:
    assert sorted(prober.service for prober in probers(Settings())) == sorted(SERVICES + CHANNELS)


def test_names_are_read_without_sqlalchemy(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from callagent_cli.ledger.names import *\n"
        "names = peek_campaign_names(Path('.callagent'), name='sandbox')\n"
        "print(names[-1], 'sqlalchemy' in sys.modules)"
    )
    assert output(home, sys.executable, "-c", code) == "spring False\n"


def test_names_are_read_while_a_run_writes(home: Path) -> None:
    with Ledger.open(home / ".callagent", name="sandbox", clock=SystemClock()) as ledger:
        ledger.import_contacts("autumn", [], source="x.csv")
        assert "autumn" in peek_campaign_names(home / ".callagent", name="sandbox")
