"""Make the pictures in docs/screenshots/ from real runs: `python docs/take_screenshots.py`.

Each is what a terminal of 110 columns or a browser shows. The runs are simulated, by the program
itself. The browser is Chromium, from the distribution's packages (chromium, chromium-driver).
"""

import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from email import message_from_bytes, policy
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from tests.support.rehearsal import Played

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
PICTURES = ROOT / "docs" / "screenshots"
WIDTH, MOST_LINES = 110, 60
PAGES = (("", 1100, "light"), ("-dark", 1100, "dark"), ("-phone", 360, "light"))
MAIL_WIDTH, MAIL_HEIGHT = 720, 280
PAGE_HEIGHT = 2_200  # px: the rest is the table of contacts

SANDBOX = "sandbox: {speed: 1000000}\n"
SHOTS = {  # picture → the command that makes it, and those before it
    "outage": ["simulate --fail elevenlabs --speed 1000000"],
    "everything-down": ["simulate --fail all --speed 1000000"],
    "plan": ["plan contacts.csv"],
    "doctor": ["doctor contacts.csv"],
    "report": ["run contacts.csv --no-live", "report contacts"],
    "errors": ["run contacts.xlx", "config chek", "health elevnlabs"],
}


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    for name, commands in SHOTS.items():
        with tempfile.TemporaryDirectory() as folder:
            save(name, "\n".join(show(command, Path(folder)) for command in commands))
    save_live_view()
    save_report_page()
    save_alert()


def show(command: str, folder: Path) -> str:
    """What was typed and what came, in colour."""
    (folder / "config.yml").write_text(SANDBOX)
    (folder / "contacts.csv").write_bytes((ROOT / "examples/contacts.csv").read_bytes())
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "COLUMNS": str(WIDTH),
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "callagent_cli", *command.split()],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    lines = ended.stdout.replace(str(folder), ".").splitlines(keepends=True)
    left_out = f"… {len(lines) - MOST_LINES} lines …\n" if len(lines) > MOST_LINES else ""
    output = left_out + "".join(lines[-MOST_LINES:])
    return f"$ callagent {command}\n{output}(exit status {ended.returncode})\n"


def save(name: str, text: str) -> None:
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text))
    write(console, name)


def write(console: Console, name: str) -> None:
    """Without the fonts that Rich would have a browser fetch."""
    drawn = console.export_svg(title=f"callagent: {name}")
    path = PICTURES / f"{name}.svg"
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL))
    print(path.relative_to(ROOT))


def save_live_view() -> None:
    """The live table of a run, 90 simulated seconds into an outage of everything."""
    from callagent_cli.cli.live_frame import draw

    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        seen = []
        rehearsed(Path(folder), 40, watch=(150.0, lambda snapshot: seen.append(snapshot))).close()
    console.print(draw(seen[0], WIDTH))
    write(console, "live-view")


def save_report_page() -> None:
    """The page of `report --html`: on a desk in light and in dark, and on a phone."""
    from callagent_cli.reporting.page import html_pieces
    from callagent_cli.reporting.report import read_report
    from tests.support.browser import opened

    with tempfile.TemporaryDirectory() as folder, opened() as browser:
        played = rehearsed(Path(folder), 160)
        page = Path(folder) / "page.html"
        report = read_report(played.ledger, "fifty", show_pii=False)
        page.write_text("".join(html_pieces(report, is_sandbox=True)))
        played.close()
        for suffix, width, scheme in PAGES:
            browser.open(page, width=width, scheme=scheme)
            path = PICTURES / f"report-page{suffix}.png"
            path.write_bytes(browser.picture(width, PAGE_HEIGHT))
            print(path.relative_to(ROOT))


def save_alert() -> None:
    """The mail that tells of an outage, as a mail program shows its HTML part."""
    from tests.support.browser import opened

    with tempfile.TemporaryDirectory() as folder, opened() as browser:
        played = rehearsed(Path(folder), 40, faults="elevenlabs@60-400")
        assert played.outside.sandbox is not None
        mail = played.outside.sandbox.mail().mails[0]
        played.close()
        letter = message_from_bytes(mail.content, policy=policy.default)
        part = letter.get_body(("html",))
        assert part is not None
        page = Path(folder) / "mail.html"
        page.write_text(f'<meta charset="utf-8"><body style="margin: 2em">{part.get_content()}')
        browser.open(page, width=MAIL_WIDTH)
        (PICTURES / "alert.png").write_bytes(browser.picture(MAIL_WIDTH, MAIL_HEIGHT))
        print("docs/screenshots/alert.png")


def rehearsed(folder: Path, people: int, faults: str = "all@60-400", **more: Any) -> "Played":
    """A campaign through an outage, of everything by default. more: as `play` takes it."""
    from callagent_cli.domain.contact import Contact
    from callagent_cli.simulator.faults import FaultPlan, parse_faults
    from tests.support.rehearsal import play

    contacts = [Contact(f"c{n}", f"+1202555{n:04d}", f"Contact {n}") for n in range(people)]
    services = frozenset({"crm", "llm", "sheets", "telegram", "webhook", "smtp"})
    plan = FaultPlan(parse_faults(faults))
    os.chdir(folder)
    try:
        return play(folder, plan, contacts, services=services, seed=5, **more)
    finally:
        os.chdir(ROOT)


if __name__ == "__main__":
    print(f"{datetime.now(UTC):%Y-%m-%d}")
    main()
