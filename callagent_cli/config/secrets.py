"""What comes from the environment only."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from callagent_cli.config.database import SecretDatabase
from callagent_cli.config.fields import Section
from callagent_cli.config.watching import SecretUrl


class Secrets(Section):
    """From the environment only."""

    eleven_api_key: SecretStr | None = Field(None, description="key of the voice provider")
    smtp_host: str | None = Field(None, description="mail server")
    smtp_port: int | None = Field(None, description="its port; null: by `alerts.email.security`")
    smtp_user: str | None = Field(None, description="login at the mail server")
    smtp_pass: SecretStr | None = Field(None, description="password at the mail server")
    telegram_bot_token: SecretStr | None = Field(None, description="of the bot that tells alerts")
    telegram_chat_id: str | None = Field(None, description="or alerts.telegram.chat_id")
    webhook_url: SecretUrl | None = Field(None, description="or alerts.webhook.url")
    webhook_secret: SecretStr | None = Field(None, description="signs what is posted")
    google_service_account_json_path: Path | None = Field(None, description="its key file")
    llm_api_key: SecretStr | None = Field(None, description="key of the LLM")
    crm_api_key: SecretStr | None = Field(None, description="key of the CRM")
    callagent_database_url: SecretDatabase | None = Field(
        None, description="database_url, where it holds a password"
    )

    def values(self) -> tuple[str, ...]:
        """Every secret, to be taken out of whatever is written."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        told = [f.get_secret_value() for f in fields if isinstance(f, SecretStr)]
        if self.callagent_database_url is not None:
            password = urlsplit(self.callagent_database_url.get_secret_value()).password
            told += [password] if password else []
        return tuple(told)
