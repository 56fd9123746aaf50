"""Where the config is, and the folder of the ledger that it names. Imports nothing slow."""

from collections.abc import Mapping
from pathlib import Path

_USUAL_STATE_DIR = ".callagent"


def find_config(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """`path`, else $CALLAGENT_CONFIG, else `cwd`/config.yml if it is there."""
    named = path or (
        Path(environ["CALLAGENT_CONFIG"]) if environ.get("CALLAGENT_CONFIG") else None
    )
    if named is not None:
        return (cwd / named).absolute()
    usual = cwd / "config.yml"
    return usual.absolute() if usual.exists() else None


def peek_state_dir(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """`state_dir` of a config that nobody has checked. Raises OSError and yaml.YAMLError."""
    import yaml

    source = find_config(path, environ, cwd)
    values = yaml.safe_load(source.read_text(encoding="utf-8")) if source else None
    said = values.get("state_dir") if isinstance(values, dict) else None
    folder = source.parent if source else cwd
    return folder / (said if isinstance(said, str) else _USUAL_STATE_DIR)
