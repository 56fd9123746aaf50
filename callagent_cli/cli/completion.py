"""Typer's completion, with a script that a person installs where it suits them."""

from typer.completion import completion_init, get_completion_script  # type: ignore[attr-defined]

from callagent_cli.cli.suggestions import SHELLS
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import one_line

_VARIABLE = "_CALLAGENT_COMPLETE"  # how the script asks; Typer makes the name


def prepare() -> None:
    """Let Typer answer a shell's question instead of running the command."""
    completion_init()


def script_for(shell: str) -> str:
    """What the shell is to evaluate. Raises InputError for one that is not known."""
    if shell not in SHELLS:
        raise InputError(
            f"there is no completion for the shell {one_line(shell, 40)!r}",
            hint=f"callagent completion {'|'.join(SHELLS)}",
        )
    script = get_completion_script(prog_name="callagent", complete_var=_VARIABLE, shell=shell)
    return str(script).strip()
