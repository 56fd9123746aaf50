"""Secrets and phone numbers, planted wherever they can stand, are looked for wherever something
is written: terminal, log, sheet, alerts, rejected rows, status, report, crash file."""

import json
from pathlib import Path

import pytest

from tests.support.inbox import Inbox, Letter
from tests.support.site import KEY, Site
from tests.support.voice_provider import VoiceProvider

SECRETS = {
    "CRM_API_KEY": "canary-crm-key-4711",
    "LLM_API_KEY": "canary-llm-key-4715",
    "WEBHOOK_SECRET": "canary-signing-secret-4712",
    "TELEGRAM_BOT_TOKEN": "987654321:canary-bot-token-4713-xxxxxxxxxxxxxx",
    "SMTP_HOST": "127.0.0.1",
    "SMTP_PORT": "9",
    "SMTP_USER": "callagent",
    "SMTP_PASS": "canary-mail-password-4714",
}
HIDDEN = (KEY, *(value for value in SECRETS.values() if "canary" in value))
SPELLINGS = ("+1202555", "1202555", "202-555-", "(202) 555", "2025550")  # of every number used


def _echo(letter: Letter) -> tuple[int, object]:
    """An answer that says back everything it was told, as some servers do."""
    said = json.dumps([letter.path, dict(letter.headers), letter.body])
    return 400, {"message": said, "error": {"message": said}, "description": said}


def _site(folder: Path, provider: VoiceProvider, url: str) -> Site:
    site = Site(
        folder,
        provider,
        12,
        services=f"""
  crm:
    enabled: true
    kind: http
    base_url: {url}
    find_path: "/people?phone={{phone}}"
    report_path: "/calls?number={{phone}}"
    retry: {{initial_delay: 0.02, max_attempts: 1}}
  llm:
    enabled: true
    base_url: {url}
    model: m
    prompt: Greet the contact.
    fallback: Hello
""",
        more=f"""
alerts:
  email: {{enabled: true, to: [ops@example.com], security: none}}
  webhook: {{enabled: true, url: "{url}/alerts"}}
  telegram: {{enabled: true, chat_id: 7, base_url: "{url}"}}
google_sheets: {{enabled: true, backend: csv}}
deliveries: {{flush_within: 3}}
logging: {{level: debug}}
""",
        **SECRETS,
    )
    people = (folder / "people.csv").read_text()
    people += "x1,(202) 555-01,Bad Number\nx2,+1202555010,Mrs +12025550155 of 202-555-0156\n"
    people += ",+12025550177,No Id\n"
    (folder / "people.csv").write_text(people)
    return site


def _answer(n: int) -> str:
    return {2: "lost", 4: "503", 5: "503"}.get(n, "ok")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Everything that a campaign full of failures has written, by where."""
    folder = tmp_path_factory.mktemp("canaries")
    with VoiceProvider(_answer) as provider, Inbox(answer=_echo) as world:
        site = _site(folder, provider, world.url)
        shown = {}
        for words in (
            ("plan", "people.csv"),
            ("run", "people.csv", "-v", "--concurrency", "2"),
            ("run", "people.csv", "--json"),
            ("status",),
            ("review",),
            ("report", "people"),
            ("report", "people", "--json"),
            ("deliveries", "list"),
            ("deliveries", "flush", "--within", "2s"),
            ("alerts", "test"),
            ("health",),
            ("config", "show"),
        ):
            _, out, err = site.call(*words)
            shown[" ".join(words)] = out + err
    files = [path for path in folder.rglob("*") if path.suffix in (".log", ".csv", ".txt")]
    read = {path.name: path.read_text() for path in files if path.name != "people.csv"}
    assert {"app.log", "sheets_mirror.csv", "people.rejected.csv"} <= read.keys()
    return {**shown, **read}


def test_the_campaign_met_the_failures_that_might_leak(written: dict[str, str]) -> None:
    log = written["app.log"]
    for happened in ("call.in_doubt", "fallback.used", "delivery.dead_lettered", "alert.failed"):
        assert f'"event": "{happened}"' in log, happened
    assert '"level": "debug"' in log


@pytest.mark.parametrize("secret", HIDDEN)
def test_no_secret_is_written_anywhere(secret: str, written: dict[str, str]) -> None:
    assert [where for where, text in written.items() if secret in text] == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_phone_number_is_written_anywhere(spelling: str, written: dict[str, str]) -> None:
    assert [where for where, text in written.items() if spelling in text] == []
