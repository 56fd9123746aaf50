"""config.yml and the environment → Settings, read once. All problems in one message."""

import difflib
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError

from callagent_cli.config.finding import find_config
from callagent_cli.config.secrets import Secrets
from callagent_cli.config.settings import Settings
from callagent_cli.config.yaml_file import YamlFile, read_yaml
from callagent_cli.domain.errors import ConfigError
from callagent_cli.domain.text import one_line

_PATHS = (
    ("state_dir",),
    ("metrics_file",),
    ("logging", "path"),
    ("google_sheets", "credentials_path"),
)
_UNSHOWN = frozenset({"alerts.heartbeat_url"})  # its value, in a message
_SECRET_NAME = re.compile(r"(api_?key|secret|token|password|smtp_pass|passwd)$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(sk[-_]|xi-|pat-|xoxb-)[\w-]{12,}|\d{8,10}:[\w-]{30,}")
_VARIABLES = {  # a key of config.yml → the variable it belongs in
    "elevenlabs": "ELEVEN_API_KEY",
    "llm": "LLM_API_KEY",
    "crm": "CRM_API_KEY",
    "email": "SMTP_PASS",
    "telegram": "TELEGRAM_BOT_TOKEN",
    "webhook": "WEBHOOK_SECRET",
    "google_sheets": "GOOGLE_SERVICE_ACCOUNT_JSON_PATH",
}
_FORMS = {  # pydantic's type of error → what the value must be, in YAML's words
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "string_type": "a text, in quotes if it looks like a number",
    "path_type": "a path",
    "tuple_type": "a list, like [a, b]",
    "list_type": "a list, like [a, b]",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
}
_SEE = "`callagent config show` lists every key; `callagent config schema` what each allows"


def load_settings(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Settings:
    """Looked for at `path`, $CALLAGENT_CONFIG, `cwd`/config.yml; with none, the defaults.

    Raises ConfigError with all problems, each with file, line and key.
    """
    source = find_config(path, environ, cwd)
    file = read_yaml(source) if source else YamlFile(cwd / "config.yml")
    folder = source.parent if source else cwd
    problems = list(file.problems)
    problems += _secrets_in(file)
    secrets, wrong = read_secrets(environment(environ, folder))
    problems += wrong
    settings, invalid = _validated(file)
    problems += invalid
    if problems or settings is None:
        raise ConfigError(_in_one(file, problems), hint=_SEE)
    anchored = _anchored(settings, folder)
    return anchored.model_copy(update={"secrets": secrets, "source": source})


def environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The real environment, and beneath it the `.env` beside the config file."""
    from dotenv.parser import parse_stream

    file = folder / ".env"
    if not file.is_file():
        return dict(environ)
    try:
        with file.open(encoding="utf-8") as stream:
            lines = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{file} cannot be read: {why}") from None
    if wrong := [line.original.line for line in lines if line.error]:
        where = ", ".join(f"line {number}" for number in wrong)
        raise ConfigError(
            f"{file} {where}: no NAME=value", hint="put a value with spaces in quotes"
        )
    beside = {line.key: line.value for line in lines if line.key and line.value is not None}
    return {**beside, **environ}


def read_secrets(variables: Mapping[str, str]) -> tuple[Secrets, list[str]]:
    given = {
        name: variables[name.upper()].strip()
        for name in Secrets.model_fields
        if variables.get(name.upper(), "").strip()
    }
    try:
        return Secrets.model_validate(given), []
    except ValidationError as error:
        return Secrets(), [_wrong_secret(dict(problem)) for problem in error.errors()]


def _wrong_secret(problem: Mapping[str, typing.Any]) -> str:
    """In a validator's own words, which never hold the value."""
    why = problem.get("ctx", {}).get("error", "has the wrong form")
    return f"environment: {str(problem['loc'][0]).upper()} {why}"


def _validated(file: YamlFile) -> tuple[Settings | None, list[str]]:
    try:
        return Settings.model_validate(file.values), []
    except ValidationError as error:
        return None, [_problem(file, dict(problem)) for problem in error.errors()]


def _problem(file: YamlFile, problem: dict[str, typing.Any]) -> str:
    """One line: where, which key, what was found, what is allowed."""
    key = ".".join(str(part) for part in problem["loc"] if part != "function-after")
    if problem["type"] == "extra_forbidden":
        return f"{file.where(key)}: {key}: no such key{_nearest(key)}"
    found = file.raw.get(key)
    said = "" if found is None or key in _UNSHOWN else f" (found {one_line(found, 60)})"
    allowed = _FORMS.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    allowed = allowed.removeprefix("Input should be ")
    return f"{file.where(key)}: {key}: {_plain(allowed)}{said}{_yaml_word(file, key)}"


def _plain(allowed: str) -> str:
    is_sentence = allowed.startswith(("must", "max_total", "start", "http://"))
    return allowed if is_sentence else f"must be {allowed}"


def _yaml_word(file: YamlFile, key: str) -> str:
    """Words that YAML takes for yes or no."""
    if file.raw.get(key, "").lower() in {"yes", "no", "on", "off"}:
        return "; without quotes YAML reads this word as true or false: put it in quotes"
    return ""


def _nearest(key: str) -> str:
    parent, _, name = key.rpartition(".")
    known = list(_names(parent.split(".") if parent else []))
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(known)}"


def _names(path: list[str]) -> Iterator[str]:
    model: object = Settings
    for part in path:
        if not _is_model(model):
            return
        model = _model_in(typing.cast("type[BaseModel]", model).model_fields[part].annotation)
    if _is_model(model):
        for name, info in typing.cast("type[BaseModel]", model).model_fields.items():
            if not info.exclude:
                yield info.alias or name


def _is_model(model: object) -> bool:
    return isinstance(model, type) and issubclass(model, BaseModel)


def _model_in(annotation: object) -> object:
    """`Window` out of `Window | None`."""
    if isinstance(annotation, types.UnionType):
        return next((arg for arg in typing.get_args(annotation) if _is_model(arg)), None)
    return annotation


def _secrets_in(file: YamlFile) -> Iterator[str]:
    for key, text in file.raw.items():
        name = key.rpartition(".")[2]
        if text and (_SECRET_NAME.search(name) or _SECRET_VALUE.search(text)):
            variable = next(
                (v for part, v in _VARIABLES.items() if part in key), "the environment"
            )
            yield f"{file.where(key)}: {key}: a secret does not belong here; put it in {variable}"


def _in_one(file: YamlFile, problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    listed = "\n".join(f"  {problem}" for problem in dict.fromkeys(problems))
    return f"{len(problems)} problems in {file.path}:\n{listed}"


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Relative paths are relative to the config's folder: cron starts anywhere."""
    for *sections, name in _PATHS:
        section = getattr(settings, sections[0]) if sections else settings
        if (path := getattr(section, name)) is None:
            continue
        moved = section.model_copy(update={name: folder / path})
        settings = settings.model_copy(update={sections[0]: moved}) if sections else moved
    return settings


def warnings(settings: Settings) -> list[str]:
    """What is allowed and probably not meant."""
    found = []
    voice, alerts, secrets = settings.services.elevenlabs, settings.alerts, settings.secrets
    if settings.campaign.calling_window is None:
        found.append("campaign.calling_window is null: people are called at any hour")
    if voice.circuit_breaker.failure_threshold <= voice.retry.max_attempts:
        found.append(
            "services.elevenlabs: with failure_threshold not above retry.max_attempts one contact "
            "alone opens the breaker, before its retries are used up"
        )
    if alerts.email.enabled and not (secrets.smtp_host and alerts.email.to):
        found.append("alerts.email is enabled, but SMTP_HOST or alerts.email.to is missing")
    if alerts.telegram.enabled and not secrets.telegram_bot_token:
        found.append("alerts.telegram is enabled, but TELEGRAM_BOT_TOKEN is missing")
    if alerts.webhook.enabled and not (alerts.webhook.url or secrets.webhook_url):
        found.append("alerts.webhook is enabled, but neither its url nor WEBHOOK_URL is set")
    if settings.services.llm.enabled and not secrets.llm_api_key:
        found.append("services.llm is enabled, but LLM_API_KEY is missing")
    if settings.services.crm.enabled and not secrets.crm_api_key:
        found.append("services.crm is enabled, but CRM_API_KEY is missing")
    sheet = settings.google_sheets
    if sheet.enabled and sheet.backend == "google" and not sheet.sheet_id:
        found.append("google_sheets is enabled, but sheet_id is null: no sheet is written")
    return found


def missing_for_real_calls(settings: Settings) -> list[str]:
    """What a run with the real provider cannot do without."""
    voice = settings.services.elevenlabs
    needed = (
        (voice.agent_id, "services.elevenlabs.agent_id is not set in config.yml"),
        (
            voice.agent_phone_number_id,
            "services.elevenlabs.agent_phone_number_id is not set in config.yml",
        ),
        (settings.secrets.eleven_api_key, "ELEVEN_API_KEY is not set (environment or .env)"),
    )
    return [problem for value, problem in needed if not value]
