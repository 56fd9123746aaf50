"""The output that the README shows is what its command prints."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_readme_shows_the_real_output() -> None:
    script = ROOT / "docs" / "refresh_readme.py"
    done = subprocess.run([sys.executable, script, "--check"], check=False, timeout=100)
    assert done.returncode == 0, "run docs/refresh_readme.py"
