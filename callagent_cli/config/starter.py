"""The files a new campaign folder begins with, from a person's answers. Pure."""

import json
import re
from dataclasses import dataclass

from callagent_cli.config.calling_window import Day

_SEE = "# Every key, with its default: `callagent help config`; what is in force: `config show`."
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*(?:-|–|to)\s*([01]?\d|2[0-4]):([0-5]\d)")
_DAYS: tuple[str, ...] = Day.__args__  # type: ignore[attr-defined]  # a Literal's values


@dataclass(frozen=True, slots=True)
class Hours:
    start: str  # as 08:00
    end: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What a new folder's config says; empty: to be filled in before real calls."""

    country: str = "US"  # ISO 3166 alpha-2, of numbers without a country code
    hours: Hours = Hours("08:00", "21:00")
    days: tuple[str, ...] = _DAYS[:6]
    needs_consent: bool = False
    agent_id: str = ""
    phone_number_id: str = ""


def read_country(text: str) -> str:
    """Raises ValueError with what to write instead."""
    from phonenumbers import SUPPORTED_REGIONS

    country = text.strip().upper()
    if country not in SUPPORTED_REGIONS:
        raise ValueError("write a country's two letters, such as US, CA, GB, FR, IN or AU")
    return country


def read_hours(text: str) -> Hours:
    found = _HOURS.fullmatch(text.strip())
    if not found:
        raise ValueError("write two times, such as 09:00-18:00")
    hours = Hours(f"{int(found[1]):02d}:{found[2]}", f"{int(found[3]):02d}:{found[4]}")
    if not hours.start < hours.end <= "24:00":
        raise ValueError("the second time must be later than the first")
    return hours


def read_days(text: str) -> tuple[str, ...]:
    """`mon-fri`, `mon,wed,sat`, or a mixture."""
    chosen: set[str] = set()
    for part in re.split(r"[\s,]+", text.strip().lower()):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError("write days such as mon-fri or mon,wed,sat")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        if end < begin:
            raise ValueError("write days from the earlier to the later one, such as mon-fri")
        chosen.update(_DAYS[begin : end + 1])
    return tuple(day for day in _DAYS if day in chosen)


def config_text(answers: Answers) -> str:
    consent = str(answers.needs_consent).lower()
    return f"""\
# callagent: the settings of this folder's campaigns.
{_SEE}
# Secrets do not stand here but in `.env`.

provider: sandbox          # places no real call; `elevenlabs` calls people

services:
  elevenlabs:
    agent_id: {_text(answers.agent_id)}  # agent_…, of your agent
    agent_phone_number_id: {_text(answers.phone_number_id)}  # phnum_…, of the number it calls from
    telephony: twilio      # of that number: twilio | sip_trunk

campaign:
  concurrency: 1           # calls at the same time
  default_region: "{answers.country}"     # country of numbers without a country code
  calling_window:          # in each contact's own time
    start: "{answers.hours.start}"
    end: "{answers.hours.end}"
    days: [{", ".join(answers.days)}]
    preset: by_country     # and never outside the hours that the law there allows
  require_consent: {consent}   # true: only who has yes in the `consent` column
  max_attempts_per_contact: 3
  max_cost: null           # USD of one run, such as 25
  estimate:
    price_per_minute: null # USD, such as 0.10: `plan` tells what a campaign may cost

alerts:                    # who is told; `callagent alerts test` tries them
  email:
    enabled: false         # needs SMTP_HOST in `.env`
    from: null
    to: []
"""


def env_text(key: str) -> str:
    line = f"ELEVEN_API_KEY={_quoted(key)}" if key else "# ELEVEN_API_KEY="
    return f"""\
# Secrets of this folder's campaigns; keep this file to yourself and out of version control.
{line}
# SMTP_HOST=
# SMTP_USER=
# SMTP_PASS=
"""


def sample_contacts() -> str:
    """Numbers that are set aside for fiction: nobody has them."""
    people = ("Ada Lane", "Ben Okafor", "Chen Wei", "Dora Silva", "Emil Novak")
    rows = (
        f"s-{n},{name},+1 202 555 01{n:02d},America/New_York,yes,Tuesday {9 + n}:30"
        for n, name in enumerate(people, start=1)
    )
    return "\n".join(("id,name,phone,timezone,consent,appointment", *rows, ""))


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if value else "null"


def _quoted(key: str) -> str:
    """As python-dotenv reads it."""
    if re.fullmatch(r"[\w.-]+", key):
        return key
    escaped = key.replace("\\", r"\\").replace("'", r"\'")
    return f"'{escaped}'"
