"""The settings of an installation, from one TOML file and the environment: frozen, and all problems at once."""

from __future__ import annotations

import tomllib
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, EmailStr, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from watcher.errors import ConfigError
from watcher.problem import problems_of
from watcher.secret import Secret, lacking

PREFIX = "WATCHER_"
Slug = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="lower-case letters, digits, ., - and _")
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Server(_Table):
    """Where the pages are served; until there is login, on this machine only."""

    host: str = "127.0.0.1"
    port: int = Field(default=8030, ge=0, le=65535)
    public_url: str | None = None


class Database(_Table):
    """Where everything is kept."""

    url: str | Secret = "sqlite:///watcher.db"


class Mail(_Table):
    """How notices leave: by SMTP, or as .eml files in a folder."""

    channel: Literal["smtp", "folder"] = "folder"
    sender: EmailStr = Field(default="watcher@localhost.example", alias="from")
    folder: str = "outbox"
    host: str = "127.0.0.1"
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: Secret | None = None
    timeout_s: float = Field(default=30.0, gt=0, le=300)


class Alerts(_Table):
    """How flags become incidents, and who is told when nobody else can be."""

    last_resort: EmailStr | None = None
    chain: tuple[str, ...] = ()
    checker: str | None = Field(default=None, min_length=1)
    criticism_window_h: float = Field(default=24.0, gt=0, le=24 * 14)
    oldest_days: int = Field(default=14, ge=1, le=3650)
    chase_m: int = Field(default=30, ge=5, le=24 * 60)
    bundle_m: int = Field(default=15, ge=0, le=24 * 60)
    repeat_h: int = Field(default=24, ge=1, le=24 * 14)
    daily_cap: int = Field(default=10, ge=1, le=1000)


class Models(_Table):
    """Which classifiers read every post, and where versions that were taught here are kept."""

    classifiers: tuple[Literal["encoder", "huggingface", "patterns"], ...] = ("encoder",)
    folder: str = "models"
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    batch: int = Field(default=64, ge=1, le=1024)


class Schedule(_Table):
    """How often things happen."""

    poll_every_s: int = Field(default=300, ge=1, le=86400)
    tick_s: float = Field(default=1.0, ge=0.05, le=60)
    workers: int = Field(default=8, ge=1, le=64)


class Keep(_Table):
    """For how many days each kind of thing is kept; no policy states any, these are ours."""

    posts_days: int = Field(default=180, ge=1, le=3650)
    noise_days: int = Field(default=7, ge=1, le=3650)
    incidents_days: int = Field(default=365, ge=1, le=3650)
    notices_days: int = Field(default=365, ge=1, le=3650)
    gone_days: int = Field(default=7, ge=0, le=3650)


class Heartbeat(_Table):
    """An address of the operator's choice that is called while all is well, so that silence is noticed elsewhere."""

    url: str | Secret | None = None
    every_s: int = Field(default=60, ge=5, le=86400)
    allow_private: bool = False


class Imap(_Table):
    """A mailbox that can be asked whether a mail has arrived."""

    host: str
    port: int = Field(default=993, ge=1, le=65535)
    security: Literal["tls", "none"] = "tls"
    username: str
    password: Secret
    folder: str = Field(default="INBOX", pattern=r'^[^"\\\r\n]+$')
    timeout_s: float = Field(default=20.0, gt=0, le=120)


class ProbeTable(_Table):
    """A test post a day that goes the whole way to an address of the operator's; off while school and address lack."""

    school: Slug | None = None
    address: EmailStr | None = None
    hour: int = Field(default=6, ge=0, le=23)
    within_m: int = Field(default=15, ge=1, le=720)
    text: str | None = Field(default=None, min_length=1, max_length=2000)
    imap: Imap | None = None


class CapRow(_Table):
    """A cap on what reading a platform may use up: of one app's accounts, of one school's own sources, or of all."""

    platform: str
    app: Slug | None = None
    school: Slug | None = None
    monthly_pounds: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)
    calls_per_day: int | None = Field(default=None, ge=0)
    searches_per_day: int | None = Field(default=None, ge=0)


class BudgetTable(_Table):
    """What reading may cost; a platform that is paid for has a cap even where none is written for it."""

    pounds_per_dollar: float = Field(default=0.80, gt=0, le=10)
    monthly_pounds: float = Field(default=50.0, ge=0, le=1_000_000, allow_inf_nan=False)
    count_along: bool = True
    caps: tuple[CapRow, ...] = ()


class Secrets(_Table):
    """What seals the tokens that owners have granted; earlier keys still open what they sealed."""

    key: Secret | None = None
    previous: tuple[Secret, ...] = ()


class AppRow(_Table):
    """What was registered at a platform, so that the owners of accounts there can grant reading by a link."""

    platform: str
    name: Slug | None = None
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: Secret | None = None
    base_url: str | None = None
    allow_private: bool = False


class TrustRow(_Table):
    """A trust of several schools."""

    id: Slug
    name: str


class RoleHolderRow(_Table):
    """The Head, CEO or chair, who are public figures: looked for by name together with the school's, until a day."""

    name: str = Field(min_length=2, max_length=200)
    role: Literal[
        "headteacher", "head_of_school", "associate_headteacher", "ceo", "chair_of_governors", "chair_of_trustees"
    ]
    end: date = Field(alias="until")


class HoursRow(_Table):
    """The days and the hours, in the school's time, in which somebody is there; an end before the start is next day."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri"), min_length=1
    )
    start: time = Field(default=time(8, 0), alias="from")
    end: time = Field(default=time(17, 0), alias="until")


class PeriodRow(_Table):
    """A term, or days on which a school is closed; without an end, one day."""

    name: str = ""
    start: date = Field(alias="from")
    end: date | None = Field(default=None, alias="until")


class ContactRow(_Table):
    """Another way to reach a person: a channel, and whom it is to ask for there; whether it rings at night."""

    channel: Slug
    address: str = Field(min_length=1, max_length=200)
    wakes: bool = False


class StandInRow(_Table):
    """Who acts for a role for which nobody can act, at one school or at all."""

    role: str
    by: tuple[str, ...] = Field(min_length=1)
    school: Slug | None = None


class SchoolRow(_Table):
    """A school: its names, its place, and which policy pack speaks for it (a shipped one, or a file)."""

    id: Slug
    name: str
    pack: str
    trust: Slug | None = None
    short_names: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    town: str | None = None
    postcode_areas: tuple[str, ...] = ()
    not_about: tuple[str, ...] = ()
    timezone: str = "Europe/London"
    url: str | None = None
    corrections: Literal["off", "own", "pooled"] = "off"
    role_holders: tuple[RoleHolderRow, ...] = ()
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...] = ()
    nation: Literal["england", "scotland", "wales", "northern_ireland"] = "england"
    hours: HoursRow = HoursRow()
    terms: tuple[PeriodRow, ...] = ()
    closed: tuple[PeriodRow, ...] = ()
    night: tuple[Slug, ...] = ()


class PersonRow(_Table):
    """Somebody who can be told; whose mailbox it is, and who else can read it."""

    id: Slug
    name: str
    email: EmailStr
    mailbox: Literal["own", "shared"] = "own"
    read_by: tuple[Slug, ...] = ()
    administered_by: tuple[Slug, ...] = ()
    same_as: Slug | None = None
    hours: HoursRow | None = None
    contacts: tuple[ContactRow, ...] = ()


class HoldingRow(_Table):
    """A person holds a role at a school, or at a trust for all its schools, from a day until a day."""

    person: Slug
    role: str
    school: Slug | None = None
    trust: Slug | None = None
    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(default=None, alias="until")
    deputy: Slug | None = None


class AbsenceRow(_Table):
    """A person cannot act from a day until a day."""

    person: Slug
    start: date = Field(alias="from")
    end: date = Field(alias="until")
    deputy: Slug | None = None


class AccountRow(_Table):
    """A source that is read."""

    name: str = Field(min_length=1, max_length=200)
    school: str | None = None
    platform: str
    target: str | None = Field(default=None, min_length=1)
    schools: tuple[Slug, ...] = ()
    owner: str | None = Field(default=None, min_length=1)
    reads: tuple[Literal["posts", "comments", "mentions", "search"], ...] = Field(default=("posts",), min_length=1)
    official: bool = False
    base_url: str | None = None
    allow_private: bool = False
    token: Secret | None = None
    app_secret: Secret | None = None
    app: Slug | None = None
    every_s: int | None = Field(default=None, ge=1, le=7 * 86400)
    options: dict[str, Any] = Field(default_factory=dict)


class ApprovalRow(_Table):
    """A platform's agreement to this use of it: who recorded it, of which day, and where it is kept on file.

    ``keeps`` records that the platform agreed to more than its own storage limit.
    """

    platform: str
    by: str = Field(min_length=1, max_length=200)
    on: date
    reference: str = Field(min_length=1, max_length=500)
    keeps: Literal["as long as the matter"] | None = None


class Settings(BaseSettings):
    """All that an operator can set, each key with a default where one makes sense."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__", populate_by_name=False
    )

    server: Server = Server()
    database: Database = Database()
    mail: Mail = Mail()
    alerts: Alerts = Alerts()
    models: Models = Models()
    schedule: Schedule = Schedule()
    retention: Keep = Keep()
    heartbeat: Heartbeat = Heartbeat()
    probe: ProbeTable = ProbeTable()
    budget: BudgetTable = BudgetTable()
    secrets: Secrets = Secrets()
    apps: tuple[AppRow, ...] = ()
    trusts: tuple[TrustRow, ...] = ()
    schools: tuple[SchoolRow, ...] = ()
    people: tuple[PersonRow, ...] = ()
    holdings: tuple[HoldingRow, ...] = ()
    stand_ins: tuple[StandInRow, ...] = ()
    absences: tuple[AbsenceRow, ...] = ()
    accounts: tuple[AccountRow, ...] = ()
    approvals: tuple[ApprovalRow, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment speaks louder than the file."""
        file = cls.model_config.get("toml_file")
        toml = (TomlConfigSettingsSource(settings_cls),) if file else ()
        return (init_settings, env_settings, *toml)


def load(path: Path) -> Settings:
    """The settings in a file, overridden by ``WATCHER_<TABLE>__<KEY>`` in the environment.

    Raises:
        ConfigError: the file is missing or is no TOML, or keys or values are wrong; every problem is named.
    """
    written = _read(path)

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        return FromFile()
    except SettingsError as error:
        raise ConfigError((f"the environment: {error}; set one key at a time, as in {PREFIX}SERVER__PORT",)) from None
    except ValidationError as error:
        # Nobody should mend the keys only to be told of the secrets next.
        raise ConfigError((*problems_of(error, Settings), *lacking(written))) from None


def _read(path: Path) -> dict[str, Any]:
    """What the file holds; what is wrong with the file itself is said in words, before anything else reads it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError((f"{path}: there is no such file; copy config.example.toml and change it",)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError((f"{path}: cannot be read as UTF-8 text ({error})",)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((f"{path}: not valid TOML: {error}",)) from error


def schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    made = Settings.model_json_schema(by_alias=True)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "Watcher settings"
    return made
