"""What comes from the environment only."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator as After
from pydantic import SecretStr

from callagent_cli.config.fields import Section, web_url


def _secret_url(url: SecretStr) -> SecretStr:
    web_url(url.get_secret_value())
    return url


class Secrets(Section):
    """From the environment only."""

    eleven_api_key: SecretStr | None = None
    smtp_host: str | None = None
    smtp_port: int | None = None
    smtp_user: str | None = None
    smtp_pass: SecretStr | None = None
    telegram_bot_token: SecretStr | None = None
    telegram_chat_id: str | None = None
    webhook_url: Annotated[SecretStr, After(_secret_url)] | None = None
    webhook_secret: SecretStr | None = None
    google_service_account_json_path: Path | None = None
    llm_api_key: SecretStr | None = None
    crm_api_key: SecretStr | None = None

    def values(self) -> tuple[str, ...]:
        """Every secret, to be taken out of whatever is written."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        return tuple(f.get_secret_value() for f in fields if isinstance(f, SecretStr))
