"""The least that a Typer program can be: one command with one argument and one option."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def greet(
    name: Annotated[str, typer.Argument(help="whom")],
    loud: Annotated[bool, typer.Option("--loud", help="in capitals")] = False,  # noqa: FBT002
) -> None:
    """Greet somebody."""
    typer.echo(f"Hello {name.upper() if loud else name}")


if __name__ == "__main__":
    app()
