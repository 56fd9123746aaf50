"""config.yml and the environment: precedence, one message for all problems, YAML's traps."""

from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from callagent_cli.config.effective import effective, retry_schedule
from callagent_cli.config.loading import load_settings, missing_for_real_calls, warnings
from callagent_cli.config.settings import Settings
from callagent_cli.domain.errors import ConfigError

ROOT = Path(__file__).parents[2]
ORIGINAL = """
services: {elevenlabs: {retry: {initial_delay: 5, backoff_factor: 2, max_attempts: 3}, circuit_breaker: {failure_threshold: 3, recovery_timeout: 30}}}
alerts: {email: {enabled: true, from: "no-reply@example.com", to: ["admin@example.com"]}, telegram: {enabled: false, chat_id: null}, webhook: {enabled: false, url: null}}
google_sheets: {enabled: true, sheet_id: null, credentials_path: "google_credentials.json"}
"""  # noqa: E501 - as the original system has it
CANARY = "sk_canary_0123456789abcdef"

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def read(text: str | bytes | None = None, **environ: str) -> Settings:
        if text is not None:
            data = text.encode() if isinstance(text, str) else text
            (tmp_path / "config.yml").write_bytes(data)
        return load_settings(None, environ, tmp_path)

    return read


def test_without_a_file_the_defaults_hold(load: Load, tmp_path: Path) -> None:
    settings = load()
    assert settings.provider == "sandbox"
    assert settings.state_dir == tmp_path / ".callagent"
    assert settings.source is None


def test_the_original_systems_config_means_the_same(load: Load) -> None:
    settings = load(ORIGINAL)
    breaker = settings.services.elevenlabs.circuit_breaker
    assert (breaker.failure_threshold, breaker.recovery_timeout) == (3, 30)
    assert settings.alerts.email.to == ("admin@example.com",)
    assert settings.alerts.email.from_ == "no-reply@example.com"
    said = " ".join(warnings(settings))
    assert "SMTP_HOST" in said
    assert "sheet_id" in said


def test_the_shipped_file_holds_every_key_with_its_default(tmp_path: Path) -> None:
    shipped = load_settings(ROOT / "config.yml", {}, tmp_path)
    defaults = load_settings(None, {}, ROOT / "docs")
    assert shipped.model_dump(exclude={"state_dir", "logging", "google_sheets"}) == (
        defaults.model_dump(exclude={"state_dir", "logging", "google_sheets"})
    )
    keys = {value.key for value in effective(shipped) if value.origin != "default"}
    every = {v.key for v in effective(defaults) if not v.key.isupper()}
    assert every - keys == set(), "a key without its line in config.yml"


def test_the_schema_allows_the_shipped_file() -> None:
    schema = Settings.model_json_schema()
    jsonschema.validate(yaml.safe_load((ROOT / "config.yml").read_text()), schema)


def test_the_environment_beats_the_file_beside_the_config(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ELEVEN_API_KEY=from-file\nWEBHOOK_SECRET='quoted value'\n")
    settings = load("provider: sandbox\n", ELEVEN_API_KEY="from-environment")
    key, secret = settings.secrets.eleven_api_key, settings.secrets.webhook_secret
    assert key is not None
    assert key.get_secret_value() == "from-environment"
    assert secret is not None
    assert secret.get_secret_value() == "quoted value"


def test_env_file_with_a_line_that_makes_no_sense_is_told_by_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ELEVEN_API_KEY=key\nSMTP_PASS='no end\n")
    with pytest.raises(ConfigError, match="line 2: no NAME=value"):
        load_settings(None, {}, tmp_path)


def test_paths_are_relative_to_the_configs_folder(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "c.yml").write_text("state_dir: state\nlogging: {path: l/app.log}\n")
    settings = load_settings(Path("etc/c.yml"), {}, tmp_path)
    assert settings.state_dir == folder / "state"
    assert settings.logging.path == folder / "l" / "app.log"
    by_environment = load_settings(None, {"CALLAGENT_CONFIG": "etc/c.yml"}, tmp_path)
    assert by_environment.state_dir == folder / "state"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5", 1.5), ('"90s"', 90), ("45m", 2700), ('"2h"', 7200), ('"1d"', 86400)],
)
def test_durations_are_seconds_or_words(text: str, seconds: float, load: Load) -> None:
    settings = load(f"campaign: {{max_outage_wait: {text}}}\n")
    assert settings.campaign.max_outage_wait == seconds


def test_both_ways_of_counting_tries_agree_or_are_refused(load: Load) -> None:
    assert _retry(load("services: {elevenlabs: {retry: {max_total_attempts: 4}}}\n")) == 3
    assert _retry(load("services: {elevenlabs: {retry: {max_attempts: 2}}}\n")) == 2
    with pytest.raises(ConfigError, match=r"max_total_attempts 3 and max_attempts 3"):
        load("services: {elevenlabs: {retry: {max_total_attempts: 3, max_attempts: 3}}}\n")


def _retry(settings: Settings) -> int:
    return settings.services.elevenlabs.retry.max_attempts


BAD: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "misspelt key": ("campain: {}\n", ("config.yml:1", "campain", "did you mean campaign?")),
    "misspelt inner key": (
        "campaign:\n  concurency: 2\n",
        ("config.yml:2", "campaign.concurency", "did you mean concurrency?"),
    ),
    "misspelt key in a nullable section": (
        "campaign:\n  calling_window: {strat: '08:00'}\n",
        ("config.yml:2", "did you mean start?"),
    ),
    "twice": ("provider: sandbox\nprovider: sandbox\n", ("config.yml:2", "twice", "line 1")),
    "alias": ("a: &x 1\nb: *x\n", ("config.yml:1", "anchors and aliases")),
    "tab": ("campaign:\n\tconcurrency: 2\n", ("config.yml:2", "tab")),
    "syntax": ("campaign: [1, 2\n", ("config.yml", "expected")),
    "list": ("- a\n- b\n", ("keys and values",)),
    "binary": (b"\x00\x01\x02", ("not a text file",)),
    "latin-1": ("provider: caf\xe9\n".encode("latin-1"), ("config.yml:1", "UTF-8")),
    "huge": (b"# " + b"x" * 1_000_001, ("1 MB",)),
    "deep": ("a: " + "[" * 3000 + "]" * 3000 + "\n", ("nested too deeply",)),
    "time without quotes": (
        'campaign: {calling_window: {start: 12:30, end: "21:00"}}\n',
        ('write "12:30"',),
    ),
    "a word that YAML reads as false": ("campaign: {default_region: no}\n", ("in quotes",)),
    "a number with a plus": ("google_sheets: {sheet_id: +15551234567}\n", ("quotes",)),
    "octal": ("campaign: {concurrency: 010}\n", ("base 8",)),
    "a wrong word": ("provider: vapi\n", ("'sandbox' or 'elevenlabs'", "vapi")),
    "out of range": ("campaign: {concurrency: 65}\n", ("64",)),
    "a fraction of a call": ("campaign: {concurrency: 1.5}\n", ("must be a whole number",)),
    "a word for a number": ("campaign: {max_cost: lots}\n", ("must be a number", "lots")),
    "a word for yes or no": ("campaign: {require_consent: maybe}\n", ("must be true or false",)),
    "one address for a list": ("alerts: {email: {to: a@b.example}}\n", ("must be a list",)),
    "a value for a section": ("campaign: 5\n", ("must be keys and values",)),
    "no path": ("logging: {path: }\n", ("must be a path",)),
    "http to the world": (
        "services: {elevenlabs: {base_url: http://a.example}}\n",
        ("base_url: http:// is allowed for this machine only",),
    ),
    "longer than a calendar": ("campaign: {redial: {busy: 36500000d}}\n", ("at most 3650d",)),
    "a negative wait": ("campaign: {max_outage_wait: -1}\n", ("not negative",)),
    "an endless wait": ("campaign: {max_outage_wait: .inf}\n", ("finite",)),
    "a window that ends before it begins": (
        'campaign: {calling_window: {start: "21:00", end: "08:00"}}\n',
        ("start must be before end",),
    ),
    "a preset that is none": (
        "campaign: {calling_window: {preset: us-strikt}}\n",
        ("calling_window.preset", "'us-strikt'", "did you mean us-strict?"),
    ),
    "a calendar that is none": (
        "campaign: {calling_window: {public_holidays: [US-ZZ]}}\n",
        ("calling_window.public_holidays", "US has no 'ZZ'", "CA"),
    ),
    "a margin longer than a shift": (
        "campaign: {calling_window: {margin: 1d}}\n",
        ("calling_window.margin", "at most 4h"),
    ),
    "a number for a preset": ("campaign: {calling_window: {preset: 5}}\n", ("must be a list",)),
    "a day that is none": ("campaign: {calling_window: {days: [monday]}}\n", ("'mon'",)),
    "a country that is none": ("campaign: {default_region: XX}\n", ("two letters",)),
    "plain http": (
        "services: {elevenlabs: {base_url: 'http://api.example.com'}}\n",
        ("use https://",),
    ),
    "a login in a URL": (
        "services: {elevenlabs: {base_url: 'https://me:pw@example.com'}}\n",
        ("neither a login",),
    ),
    "a writer that nothing stands in for": (
        "services: {llm: {enabled: true, model: m, prompt: p}}\n",
        ("services.llm", "a fallback for opening_line"),
    ),
    "yes for a number": (
        "campaign: {max_attempts_per_contact: true}\n",
        ("max_attempts_per_contact", "must be a number"),
    ),
    "a sum without end": ("campaign: {max_cost: 1.0e+400}\n", ("campaign.max_cost",)),
    "a CRM without an address": (
        "services: {crm: {enabled: true, kind: http, report_path: /calls}}\n",
        ("services.crm", "base_url"),
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_config_is_told_with_place_key_and_cure(what: str, load: Load) -> None:
    text, words = BAD[what]
    with pytest.raises(ConfigError) as refused:
        load(text)
    for word in words:
        assert word in refused.value.message


def test_all_problems_come_in_one_message(load: Load) -> None:
    with pytest.raises(ConfigError) as refused:
        load("provder: x\ncampaign: {concurrency: many, max_calls: -1}\nlogging: {level: loud}\n")
    message = refused.value.message
    assert message.startswith("4 problems in ")
    for key in ("provder", "campaign.concurrency", "campaign.max_calls", "logging.level"):
        assert key in message


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        (f"services: {{elevenlabs: {{api_key: {CANARY}}}}}\n", "ELEVEN_API_KEY"),
        (f"alerts: {{telegram: {{bot_token: {CANARY}}}}}\n", "TELEGRAM_BOT_TOKEN"),
        (f"alerts: {{webhook: {{secret: {CANARY}}}}}\n", "WEBHOOK_SECRET"),
        (f"services: {{elevenlabs: {{agent_id: {CANARY}}}}}\n", "ELEVEN_API_KEY"),
    ],
)
def test_a_secret_in_the_file_is_sent_where_it_belongs(
    text: str, variable: str, load: Load
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert variable in refused.value.message
    assert CANARY not in refused.value.message


def test_no_secret_is_ever_shown(load: Load) -> None:
    settings = load("provider: sandbox\n", ELEVEN_API_KEY=CANARY, SMTP_PASS=CANARY)
    shown = repr(settings) + str(settings) + settings.model_dump_json()
    shown += " ".join(value.value for value in effective(settings))
    assert CANARY not in shown
    assert CANARY in settings.secrets.values()


def test_every_value_tells_where_it_comes_from(load: Load) -> None:
    settings = load("campaign:\n  concurrency: 7\n", ELEVEN_API_KEY=CANARY)
    by_key = {value.key: value for value in effective(settings)}
    assert by_key["campaign.concurrency"].value == "7"
    assert by_key["campaign.concurrency"].origin == "config.yml:2"
    assert by_key["campaign.max_calls"].origin == "default"
    assert by_key["ELEVEN_API_KEY"].origin == "environment"
    assert by_key["SMTP_PASS"].value == "not set"


def test_the_retry_schedule_is_derived(load: Load) -> None:
    voice = load().services.elevenlabs
    said = retry_schedule(voice.retry, voice.timeout)
    assert said == "5 s, 10 s, 20 s; at worst 35 s of waiting + 4 x 120 s"


def test_real_calls_need_ids_and_a_key(load: Load) -> None:
    settings = load("provider: elevenlabs\n")
    missing = " ".join(missing_for_real_calls(settings))
    for name in ("agent_id", "agent_phone_number_id", "ELEVEN_API_KEY"):
        assert name in missing


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no config file .*nowhere\.yml"):
        load_settings(Path("nowhere.yml"), {}, tmp_path)
    with pytest.raises(ConfigError, match="folder"):
        load_settings(tmp_path, {}, tmp_path)
