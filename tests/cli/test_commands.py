import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from callagent_cli import __version__
from callagent_cli.cli import app
from callagent_cli.cli.app import build
from tests.support.command_line import Ended, Typed, call

HEAVY = ("rich", "pydantic", "sqlalchemy", "requests", "phonenumbers", "yaml", "gspread")


def commands(group: typer.Typer | None = None, path: str = "") -> Iterator[tuple[str, str]]:
    """Every command with its help."""
    group = group or build()
    for info in group.registered_commands:
        assert info.callback is not None
        name = info.name or info.callback.__name__
        yield f"{path} {name}".strip(), inspect.getdoc(info.callback) or ""
    for sub in group.registered_groups:
        assert sub.typer_instance is not None
        yield from commands(sub.typer_instance, str(sub.typer_instance.info.name))


def test_version_is_answered_before_anything_else(tmp_path: Path) -> None:
    ended = call(tmp_path, "--version")
    assert (ended.status, ended.out, ended.err) == (0, f"callagent {__version__}\n", "")


def test_help_lists_every_command(typed: Typed) -> None:
    ended = typed("--help")
    assert (ended.status, ended.err) == (0, "")
    for name, _ in commands():
        assert name.split()[0] in ended.out
    assert all(len(line) <= 80 for line in ended.out.splitlines())


def test_help_imports_nothing_slow() -> None:
    code = (
        "import sys; sys.argv = ['callagent', '--help']\n"
        "from callagent_cli.cli.app import run_app\n"
        "assert run_app() == 0\n"
        f"print('slow:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout.splitlines()[-1] == "slow: []"


@pytest.mark.parametrize(("name", "about"), list(commands()), ids=lambda value: str(value)[:20])
def test_every_command_has_a_sentence_an_example_and_its_statuses(name: str, about: str) -> None:
    sentence = about.splitlines()[0]
    assert sentence.endswith((".", "?"))
    assert len(sentence) <= 66  # whole in the list of commands at 80 columns
    assert f"  callagent {name}" in about
    assert "Exit status" in about


@pytest.mark.parametrize(
    "words", [["run"], ["config"], ["config", "show"], ["resolve"], ["ledger", "recover"]]
)
def test_help_of_a_command_fits_80_columns(typed: Typed, words: list[str]) -> None:
    ended = typed(*words, "--help")
    assert ended.status == 0
    assert all(len(line) <= 80 for line in ended.out.splitlines())


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["rnu"], "no such command 'rnu'", "did you mean 'run'?"),
        (["confg", "show"], "no such command 'confg'", "did you mean 'config'?"),
        (["config", "shwo"], "no such command 'shwo'", "did you mean 'show'?"),
        (["run", "--limt", "3", "x.csv"], "no such option: --limt", "did you mean --limit?"),
        (["run", "x.csv", "--zzz"], "no such option: --zzz", "`callagent run --help`"),
        (["zzz"], "no such command 'zzz'", "`callagent --help`"),
        (["run"], "missing argument 'CONTACTS'", "`callagent run --help`"),
        (["run", "x.csv", "--limit", "many"], "invalid value for '--limit'", "--help`"),
        (["run", "x.csv", "--limit", "-1"], "invalid value for '--limit'", "--help`"),
        (["run", "x.csv", "--limit"], "option '--limit' requires an argument", "--help`"),
        (["run", "x.csv", "y.csv"], "got unexpected extra argument(s) (y.csv)", "--help`"),
        (["run", "nowhere.csv"], "nowhere.csv does not exist", "hint: "),
        (["run", "."], "", "hint: "),
        (["health", "elevenlab"], "no service 'elevenlab'", "did you mean elevenlabs?"),
        (["report", "spring"], "no campaign has run here yet", "callagent run CONTACTS"),
        (["status", "spring"], "no campaign 'spring'", "callagent run CONTACTS"),
        (["resolve", "ca_x", "--by", "Kim"], "did the phone ring?", "--called and --not-called"),
        (
            ["resolve", "ca_x", "--by", "Kim", "--called", "--not-called"],
            "did the phone ring?",
            "one of --called and --not-called",
        ),
        (["resolve", "ca_x", "--called"], "missing option '--by'", "--help`"),
        (["status", "--config", "no.yml"], "there is no config file", "hint: "),
        (["--config", "no.yml", "status"], "there is no config file", "hint: "),
        (["run", "p.csv", "--max-duration", "soon"], "--max-duration 'soon' must be", "45m"),
        (["run", "p.csv", "-n", "a/b"], "'a/b' is no campaign name", "a-z"),
        (["run", "p.csv", "--contact", "c99"], "--contact: p has no contact c99", "report p"),
        (["plan", "p.csv", "--csv", "no/x.csv"], "no/x.csv cannot be written", "a folder that"),
        (["contacts", "check", "p.cvs"], "p.cvs does not exist", "did you mean p.csv?"),
        (["why", "12"], "'12': 2 digits are too few", "area code"),
        (["dnc", "add", "hello"], "'hello': letters in the phone number", "in digits"),
        (["dnc", "import", "no.csv"], "no.csv cannot be read", "a number a line"),
        (["schedule", "p.csv", "--at", "25:00"], "--at '25:00' is no time", "mon-fri 09:30"),
        (["schedule", "p.csv", "--at", "fryday 9:30"], "--at 'fryday", "mon-fri 09:30"),
        (["breaker", "open", "elevenlabs"], "missing option '--reason'", "--help`"),
        (["breaker", "close", "mars"], "no service 'mars'", "elevenlabs"),
        (["alerts", "test", "--channel", "x"], "no such option: --channel", "--help` shows"),
        (["deliveries", "retry", "abc"], "invalid value for 'ID'", "--help`"),
        (["deliveries", "drop", "99"], "no owed or dead message 99", "deliveries list"),
        (["simulate", "--fail", "mars"], "no service 'mars' to fail", "known: elevenlabs"),
        (["simulate", "--fail", "elevenlabs:no"], "no fault 'no'", "reset-after"),
        (["simulate", "--fail", "crm:503@9-1"], "--fail 'crm:503@9-1' ends before", "@60-155"),
        (["logs", "--since", "noonish"], "--since 'noonish' is no time", "2h, 45m"),
        (["logs", "--event", "call.endd"], "no event 'call.endd'", "did you mean call.ended?"),
        (["help", "tpoic"], "no help topic 'tpoic'", "exit-statuses"),
        (["completion", "tcsh"], "there is no completion for the shell 'tcsh'", "bash|zsh|fish"),
        (["resolve", "ca_x", "--by", "Kim", "--called"], "no attempt ca_x", "callagent review"),
        (["ledger", "recovr"], "no such command 'recovr'", "did you mean 'recover'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_invocation_names_the_mistake_and_the_next_step(
    typed: Typed, tmp_path: Path, words: list[str], error: str, hint: str
) -> None:
    (tmp_path / "p.csv").write_text("phone\n+12025550101\n")
    ended = typed(*words)
    assert ended.status == 2
    assert ended.out == ""
    assert f"error: {error}" in ended.err
    assert hint in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) <= 4


def test_nothing_typed_shows_the_help_as_a_mistake(typed: Typed) -> None:
    ended = typed()
    assert (ended.status, ended.out) == (2, "")
    assert "Usage: callagent" in ended.err


def test_contacts_file_typed_as_a_command_is_understood(typed: Typed) -> None:
    assert "callagent run /etc/hostname" in typed("/etc/hostname").err


@pytest.mark.parametrize("words", [["-q", "status"], ["status", "-q"], ["status", "--quiet"]])
def test_shared_options_stand_before_or_after_the_command(typed: Typed, words: list[str]) -> None:
    ended = typed(*words)
    assert (ended.status, ended.out, ended.err) == (0, "", "")


def test_wrong_invocation_as_a_process_leaves_no_traceback(tmp_path: Path) -> None:
    ended = call(tmp_path, "rnu")
    assert ended == Ended(2, "", "error: no such command 'rnu'\nhint: did you mean 'run'?\n")


@pytest.mark.parametrize(
    ("typed_in", "words"),
    [
        ("simulate --serve", "simulate --serve 0"),
        ("simulate --serve --json", "simulate --serve 0 --json"),
        ("simulate --serve 8080 --json", "simulate --serve 8080 --json"),
        ("simulate --serve=8080", "simulate --serve=8080"),
        ("run x.csv", "run x.csv"),
    ],
)
def test_port_of_the_simulator_may_be_left_out(typed_in: str, words: str) -> None:
    assert app._spelled_out(typed_in.split()) == words.split()


def test_hostile_argument_is_shown_clean(typed: Typed) -> None:
    ended = typed("a\x1b[2J\u202eb")
    assert ended.status == 2
    assert all(line.isprintable() for line in ended.err.splitlines())
