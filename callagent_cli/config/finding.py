"""Where the config is, and the folder of the ledger that it names. Imports nothing slow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_USUAL = {"state_dir": ".callagent", "provider": "sandbox"}
_PROVIDERS = ("sandbox", "elevenlabs")
_ELSEWHERE = "CALLAGENT_DATABASE_URL"


def find_config(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """`path`, else $CALLAGENT_CONFIG, else `cwd`/config.yml if it is there."""
    named = path or (
        Path(environ["CALLAGENT_CONFIG"]) if environ.get("CALLAGENT_CONFIG") else None
    )
    if named is not None:
        return (cwd / named).absolute()
    usual = cwd / "config.yml"
    return usual.absolute() if usual.exists() else None


@dataclass(frozen=True, slots=True)
class Place:
    """Which ledger a config means."""

    state_dir: Path
    provider: str = "sandbox"
    url: str | None = field(default=None, repr=False)  # of the server that has the ledger

    @property
    def is_sandbox(self) -> bool:
        return self.provider == "sandbox"

    @property
    def ledger_name(self) -> str:
        """Rehearsals have a ledger of their own: nobody called in the sandbox counts as called."""
        return "sandbox" if self.is_sandbox else "ledger"


def peek_place(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Place:
    """Of a config that nobody has checked. Raises OSError, yaml.YAMLError and, for what only the
    whole settings can tell, ValueError."""
    import yaml

    source = find_config(path, environ, cwd)
    values = yaml.safe_load(source.read_text(encoding="utf-8")) if source else {}
    if not isinstance(values or {}, dict):
        raise ValueError("no keys and values")  # noqa: TRY004 - of a file, not of the program
    said = {name: (values or {}).get(name, usual) for name, usual in _USUAL.items()}
    if not isinstance(said["state_dir"], str) or said["provider"] not in _PROVIDERS:
        raise ValueError("neither a folder nor a provider")
    folder = source.parent if source else cwd
    if (values or {}).get("database_url") or environ.get(_ELSEWHERE) or _names_database(folder):
        raise ValueError("the ledger is not in a folder")
    return Place(folder / said["state_dir"], said["provider"])


def _names_database(folder: Path) -> bool:
    """The `.env` beside the config."""
    file = folder / ".env"
    return file.is_file() and _ELSEWHERE.encode() in file.read_bytes()
