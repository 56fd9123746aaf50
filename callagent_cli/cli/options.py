"""What was typed, parsed: frozen, and nothing imported that is slow."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Common:
    """Options that every command takes."""

    config: Path | None = None
    is_color: bool = True
    is_verbose: bool = False
    is_quiet: bool = False


@dataclass(frozen=True, slots=True)
class RunOptions:
    common: Common = Common()
    campaign: str | None = None
    limit: int | None = None
    concurrency: int | None = None
    max_duration: str | None = None  # as typed: `45m`
    max_cost: float | None = None
    pilot: int | None = None
    contact_ids: tuple[str, ...] = ()
    is_retry_failed: bool = False
    is_dry_run: bool = False
    is_no_live: bool = False
    is_json: bool = False
    is_yes: bool = False
    is_no_work: bool = False  # leave the calls to the workers
    plan_csv: Path | None = None  # of a dry run
    is_showing_pii: bool = False


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    common: Common = Common()
    fail: tuple[str, ...] = ()
    contacts: int = 20
    file: Path | None = None
    seed: int | None = None
    speed: float | None = None
    serve: int | None = None  # 0: any free port
    is_json: bool = False
