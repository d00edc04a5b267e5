"""Settings that name a secret instead of holding it: `secretsmanager:<name or ARN>`, in AWS Secrets Manager.

Read anew whenever a connection is opened, and kept nowhere: a rotated password is in force with the next one.
"""

import json
import logging
from typing import Any
from urllib.parse import quote, urlencode

from shopease_assets import aws
from shopease_assets.core.errors import SettingsError
from shopease_assets.settings import PSEUDONYM_KEY_LENGTH, Settings

_SCHEME = "secretsmanager:"


def revealed(setting: str, value: str) -> str:
    """The value of a setting, or of the secret it names.

    Raises:
        SettingsError: the secret cannot be read; the message has its name and the cure, nothing of its content.
    """
    return _read(setting, value.removeprefix(_SCHEME)) if value.startswith(_SCHEME) else value


def database_url(setting: str, value: str) -> str:
    """The `postgresql://` address a setting holds or its secret holds, as it is or in the JSON of RDS.

    RDS keeps `{"username", "password", "host", "port", "dbname", "engine"}`; without a port it is 5432, without a
    dbname `postgres`. libpq and SQLAlchemy both read the result.

    Raises:
        SettingsError: the secret cannot be read, or is neither.
    """
    address = revealed(setting, value)
    if not value.startswith(_SCHEME) or "://" in address:
        return address
    name = value.removeprefix(_SCHEME)
    told = _json(address)
    if told is None:
        raise SettingsError(
            f"{setting}: secret {name} is neither a postgresql:// address nor a JSON object with username, password, "
            "host, port and dbname; correct its value"
        )
    if lacking := [field for field in ("username", "password", "host") if not told.get(field)]:
        raise SettingsError(f"{setting}: secret {name} lacks {', '.join(lacking)}; add what is missing to its JSON")
    if not str(told.get("engine", "postgres")).startswith(("postgres", "aurora-postgres")):
        raise SettingsError(f"{setting}: secret {name} is of another engine than PostgreSQL; name one that is")
    user, password, database = (
        quote(str(told.get(field, "postgres")), safe="") for field in ("username", "password", "dbname")
    )
    server = urlencode({"host": told["host"], "port": told.get("port", 5432)})
    return f"postgresql://{user}:{password}@/{database}?{server}"


def pseudonym_secret(settings: Settings) -> bytes:
    """The key of pseudonyms.

    Raises:
        SettingsError: it is a secret that cannot be read, or that is too short.
    """
    setting, key = "SHOPEASE_PSEUDONYM_KEY", settings.pseudonym_secret().decode()
    told = revealed(setting, key)
    if len(told) < PSEUDONYM_KEY_LENGTH:
        name = key.removeprefix(_SCHEME)
        raise SettingsError(f"{setting}: secret {name} is too short; store {PSEUDONYM_KEY_LENGTH} characters or more")
    return told.encode()


def _json(text: str) -> dict[str, Any] | None:
    try:
        told = json.loads(text)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _read(setting: str, name: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only where AWS is used

    logging.getLogger("botocore.parsers").setLevel(logging.INFO)  # when debugged, it logs what it was answered
    try:
        answer = aws.client("secretsmanager").get_secret_value(SecretId=name)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "error")
        raise SettingsError(f"{setting}: secret {name} cannot be read ({code}); {_cure(code)}") from None
    except BotoCoreError as error:
        raise SettingsError(
            f"{setting}: secret {name} cannot be read ({type(error).__name__}); "
            "give this process AWS credentials and a way to Secrets Manager"
        ) from None
    text = answer.get("SecretString")
    if not text:
        raise SettingsError(f"{setting}: secret {name} holds bytes or nothing; store it as text")
    return str(text)


def _cure(code: str) -> str:
    match code:
        case "ResourceNotFoundException":
            return "create it in this region and account, or correct the name"
        case "AccessDeniedException" | "AccessDenied":
            return "allow this role secretsmanager:GetSecretValue on it, and kms:Decrypt on its key"
        case "InvalidRequestException":
            return "it is marked for deletion: restore it, or name another"
        case "DecryptionFailure":
            return "allow this role kms:Decrypt on its key"
        case _:
            return "see that AWS_DEFAULT_REGION and the credentials are right, then try again"
