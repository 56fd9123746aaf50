"""Where the figures come from: without it a figure means nothing."""

import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median


def described(folder: Path) -> str:
    """One line: day, processor, Python, disk, and how busy it all was."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    parts = (
        time.strftime("%Y-%m-%d"),
        f"{os.cpu_count()} × {_processor()}",
        f"{platform.system()} {platform.machine()}",
        f"{platform.python_implementation()} {platform.python_version()}",
        f"fsync {median(_syncs_ms(folder)):.2f} ms",
        f"load average {load}",
    )
    return "; ".join(parts)


def _processor() -> str:
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        for line in cpus.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def _syncs_ms(folder: Path) -> Iterator[float]:
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            began_s = time.perf_counter()
            os.fsync(file.fileno())
            yield (time.perf_counter() - began_s) * 1000
