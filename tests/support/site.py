"""A folder in which the program runs as a user has it: in a process of its own, with a provider on
loopback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.voice_provider import VoiceProvider

ROOT = Path(__file__).parents[2]
KEY = "canary-key-5521"


def _heed_signals() -> None:
    """In the child. A test run in the background ignores some, and hands that down."""
    for caught in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(caught, signal.SIG_DFL)


class Site:
    """A folder with a config for one provider, and contacts."""

    def __init__(
        self,
        folder: Path,
        provider: VoiceProvider,
        contacts: int,
        *,
        services: str = "",
        more: str = "",
        **environ: str,
    ) -> None:
        """services: YAML beneath `services`, indented. more: at the top. environ: secrets."""
        self.folder, self._environ = folder, environ
        self.numbers = [f"+1202555{n:04d}" for n in range(100, 100 + contacts)]
        rows = "\n".join(f"c{k},{number},Name {k}" for k, number in enumerate(self.numbers))
        (folder / "people.csv").write_text(f"id,phone,name\n{rows}\n")
        (folder / "config.yml").write_text(
            f"""
provider: elevenlabs
state_dir: state
services:
  elevenlabs:
    base_url: {provider.url}
    agent_id: agent_1
    agent_phone_number_id: phnum_1
    poll_interval: 0.01
    look_up_after: [0, 0.05]
    retry: {{initial_delay: 0.02, max_delay: 0.1}}
    circuit_breaker: {{recovery_timeout: 0.2}}
    health_check: {{interval: 0.1}}
{services}
campaign:
  calling_window: null
  max_outage_wait: 0.5
{more}
"""
        )

    def start(self, *words: str, program: str = "callagent_cli") -> "subprocess.Popen[str]":
        usual = {"PATH": os.environ["PATH"], "ELEVEN_API_KEY": KEY, "PYTHONPATH": str(ROOT)}
        environ = {**usual, **self._environ}
        return subprocess.Popen(
            [sys.executable, "-m", program, *words],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_heed_signals,
        )

    def call(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in out + err
        assert not any(secret in out + err for secret in (KEY, *self._secrets()))
        assert not any(number in out + err for number in self.numbers)
        return process.returncode, out, err

    def _secrets(self) -> list[str]:
        plain = ("SMTP_HOST", "SMTP_PORT", "SMTP_USER")
        return [value for name, value in self._environ.items() if name not in plain]

    def run(self, *words: str) -> dict[str, Any]:
        status, out, err = self.call("run", "people.csv", "--json", *words)
        summary: dict[str, Any] = json.loads(out)
        assert summary["exit_status"] == status, err
        return summary
