"""Write docs/reference/ and the manual page from the code; `--check`: are they up to date?"""

import sys
from pathlib import Path

import typer.main

from callagent_cli.cli.app import build
from callagent_cli.cli.reference.manual import manual_page
from callagent_cli.cli.reference.markdown import as_markdown, commands_as_markdown
from callagent_cli.cli.reference.topics import TOPICS

DOCS = Path(__file__).parent


def pages() -> dict[Path, str]:
    """File → what it should hold."""
    root = typer.main.get_command(build())
    made = {f"{topic}.md": as_markdown(make()) for topic, make in TOPICS.items()}
    made["commands.md"] = commands_as_markdown(root)
    written = {DOCS / "reference" / name: text for name, text in made.items()}
    return {**written, DOCS / "callagent.1": manual_page(root)}


def main() -> int:
    stale = [
        path for path, text in pages().items() if not path.exists() or path.read_text() != text
    ]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(DOCS.parent)} is not what the code says")
        return bool(stale)
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
