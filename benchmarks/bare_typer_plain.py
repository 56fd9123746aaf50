"""The same without Rich in its help, which is most of what `--help` costs."""

from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None)


@app.command()
def greet(
    name: Annotated[str, typer.Argument(help="whom")],
    loud: Annotated[bool, typer.Option("--loud", help="in capitals")] = False,  # noqa: FBT002
) -> None:
    """Greet somebody."""
    typer.echo(f"Hello {name.upper() if loud else name}")


if __name__ == "__main__":
    app()
