"""`callagent`: the commands put together.

Each command imports its work when it runs, so that `--help` is quick.
"""

import os
import sys
from typing import Annotated

import typer

from callagent_cli import __version__
from callagent_cli.cli import (
    breaker_commands,
    change_commands,
    completion_commands,
    contacts_commands,
    delivery_commands,
    dnc_commands,
    doctor_commands,
    fleet_commands,
    help_commands,
    log_commands,
    read_commands,
    run_commands,
    schedule_commands,
)
from callagent_cli.cli.failures import told
from callagent_cli.cli.shared_options import Config, NoColor, Quiet, Verbose, add, common_of

_ABOUT = """AI phone-call campaigns: at most one call per attempt; in doubt, it stops and asks.

\b
Start here:
  callagent simulate --fail elevenlabs      watch an outage; nothing is called
  callagent run examples/contacts.csv       a campaign in the sandbox
  callagent COMMAND --help                  an example and the exit statuses
"""


def run_app() -> int:
    """Run what was typed; whatever goes wrong becomes a message and an exit status."""
    words = _spelled_out(sys.argv[1:])
    if "_CALLAGENT_COMPLETE" in os.environ:  # a shell asks what could be typed next
        from callagent_cli.cli.completion import prepare

        prepare()
    return told(lambda: build()(words, prog_name="callagent", standalone_mode=False))


def build() -> typer.Typer:
    app = _group("callagent", _ABOUT)
    app.callback()(_before_any_command)
    add(app, run_commands.run)
    add(app, run_commands.plan)
    add(app, run_commands.simulate)
    add(app, fleet_commands.worker)
    add(app, fleet_commands.pause)
    add(app, fleet_commands.resume)
    add(app, doctor_commands.doctor)
    add(app, read_commands.health)
    add(app, read_commands.status)
    add(app, log_commands.logs)
    add(app, read_commands.report)
    add(app, read_commands.why)
    add(app, read_commands.review)
    add(app, change_commands.resolve)
    add(app, change_commands.retry)
    add(app, change_commands.forget)
    add(app, change_commands.backup)
    add(app, schedule_commands.schedule)
    app.add_typer(_breaker())
    app.add_typer(_alerts())
    app.add_typer(_dnc())
    app.add_typer(_deliveries())
    app.add_typer(_contacts())
    app.add_typer(_config())
    app.add_typer(_ledger())
    add(app, completion_commands.completion)
    add(app, help_commands.show_help, "help")
    return app


def _spelled_out(words: list[str]) -> list[str]:
    """What Typer cannot say: `--serve` without its port is any free one, and `help run` is
    `run --help`, unless it names a topic."""
    if words[:1] == ["help"] and words[1:] and (words[2:] or words[1] not in help_commands.TOPICS):
        return [*words[1:], "--help"] if words[1] in _names() else words
    if "--serve" not in words:
        return words
    after = words.index("--serve") + 1
    has_port = words[after : after + 1] and not words[after].startswith("-")
    return words if has_port else [*words[:after], "0", *words[after:]]


def _names() -> set[str]:
    app = build()
    subs = (group.typer_instance for group in app.registered_groups)
    groups = {str(sub.info.name) for sub in subs if sub}
    alone = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}
    return groups | alone


def _config() -> typer.Typer:
    config = _group("config", "Begin, check, show and describe the settings.")
    add(config, read_commands.config_init, "init")
    add(config, read_commands.config_check, "check")
    add(config, read_commands.config_show, "show")
    add(config, read_commands.config_schema, "schema")
    return config


def _contacts() -> typer.Typer:
    contacts = _group("contacts", "Look at contacts alone: nothing is kept or called.")
    contacts.callback()(lambda: None)  # one command only: keep its name
    add(contacts, contacts_commands.check)
    return contacts


def _breaker() -> typer.Typer:
    breaker = _group("breaker", "Hold a service's breaker open by hand, and lift it.")
    add(breaker, breaker_commands.hold_open, "open")
    add(breaker, breaker_commands.close)
    return breaker


def _alerts() -> typer.Typer:
    alerts = _group("alerts", "Test the ways in which a person is told.")
    alerts.callback()(lambda: None)  # one command only: keep its name
    add(alerts, read_commands.alerts_test, "test")
    return alerts


def _dnc() -> typer.Typer:
    dnc = _group("dnc", "The do-not-call list, shared by all campaigns.")
    add(dnc, dnc_commands.add_numbers, "add")
    add(dnc, dnc_commands.remove_number, "remove")
    add(dnc, dnc_commands.import_file, "import")
    add(dnc, dnc_commands.list_numbers, "list")
    return dnc


def _deliveries() -> typer.Typer:
    about = "What is owed to CRM, sheet and alert channels: list, retry, drop, flush."
    deliveries = _group("deliveries", about)
    add(deliveries, delivery_commands.list_owed, "list")
    add(deliveries, delivery_commands.retry)
    add(deliveries, delivery_commands.drop)
    add(deliveries, delivery_commands.flush)
    return deliveries


def _ledger() -> typer.Typer:
    ledger = _group("ledger", "Mend the ledger, or move it.")
    add(ledger, change_commands.recover)
    add(ledger, change_commands.copy)
    return ledger


def _group(name: str, about: str) -> typer.Typer:
    return typer.Typer(
        name=name,
        help=about,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _before_any_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="show the version")] = False,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    if version:
        typer.echo(f"callagent {__version__}")
        raise typer.Exit
    context.obj = common_of(config, no_color, verbose, quiet)
