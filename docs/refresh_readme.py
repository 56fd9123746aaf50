"""Put the real output of the README's example into the README, or `--check` that it is there.

The run is the one of the README, in a temporary folder and in no time; only the day is left out.
"""

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- output -->\n```\n).*?(```\n<!-- end -->)", re.DOTALL)


def run_example() -> str:
    """The closing summary as a terminal of 90 columns shows it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.yml").write_text("sandbox: {speed: 1000000}\n")
        (Path(folder) / "contacts.csv").write_bytes((ROOT / "examples/contacts.csv").read_bytes())
        primary, secondary = pty.openpty()
        command = [sys.executable, "-m", "callagent_cli", "run", "contacts.csv", "--no-live"]
        environ = {**os.environ, "COLUMNS": "90", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        process = subprocess.Popen(
            command, cwd=folder, stdout=secondary, stderr=secondary, env=environ
        )
        os.close(secondary)
        output = b""
        try:
            while piece := os.read(primary, 65536):
                output += piece
        except OSError:
            pass  # Linux says so when the other side has closed
        process.wait(60)
        os.close(primary)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.decode()).replace("\r\n", "\n")
    text = text.replace(folder, ".").replace("/private.", ".")
    text = re.sub(r"\d{4}-\d{2}-\d{2} (\d{2}:\d{2})", r"<the day> \1", text)
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def main() -> int:
    readme = ROOT / "README.md"
    before = readme.read_text()
    block = BLOCK.search(before)
    if block is None:
        print("README.md has no output block")
        return 1
    after = before[: block.start()] + block[1] + run_example() + block[2] + before[block.end() :]
    if "--check" in sys.argv:
        return 0 if after == before else 1
    readme.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
