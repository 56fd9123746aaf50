"""What is started, and where: everything by its whole path, for nobody is there to say `cd`."""

import shlex
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Job:
    program: tuple[str, ...]  # callagent, as this command was started
    contacts: str  # a whole path, or the address of a sheet
    campaign: str
    config: Path | None  # None: the defaults
    folder: Path  # where it runs
    log: Path  # what a run says, should it have to say something

    @property
    def words(self) -> tuple[str, ...]:
        config = ("--config", str(self.config)) if self.config else ()
        return (*self.program, "run", self.contacts, "-n", self.campaign, *config, "--quiet")

    @property
    def command(self) -> str:
        """For a shell."""
        return shlex.join(self.words)

    @property
    def removal(self) -> str:
        """What takes it out again, to be typed."""
        config = ("--config", str(self.config)) if self.config else ()
        named = ("schedule", self.contacts, "-n", self.campaign, *config, "--remove")
        return shlex.join((*self.program, *named))

    @property
    def name(self) -> str:
        """Of its unit or block: one a campaign and folder."""
        place = sha256(f"{self.folder}\0{self.config}".encode()).hexdigest()[:8]
        return f"callagent-{self.campaign}-{place}"
