"""Tables and their indexes; see migrations for older ledgers.

The rules are triggers, in `file_rules` and `server_rules`. They and the partial unique index are
the promise's last line: even a bug in Python cannot move an attempt along an edge that does not
exist, rewrite how one ended, or open a second attempt for a number.
"""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import (
    JSON,
    VARCHAR,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from callagent_cli.domain.call import OPEN_STATES
from callagent_cli.domain.contact import WAITING_STATES

FORGETTING = "forgetting"  # in meta, inside a transaction that erases a person

# Texts sort by their bytes on every database: times, and `never` after all of them.
Words = String().with_variant(VARCHAR(collation="C"), "postgresql")

metadata = MetaData()

# schema_version; workspace: which ledger this is; generation: grows with each intent to dial;
# salt: of the hashes of numbers
meta = Table(
    "meta",
    metadata,
    Column("key", Words, primary_key=True),
    Column("value", Words, nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign", Words, primary_key=True),
    Column("created_at", Words, nullable=False),
    Column("source", Words, nullable=False),
)

# Times are UTC in ISO 8601 with microseconds, so that they sort as text on every database.
contacts = Table(
    "contacts",
    metadata,
    Column("campaign", Words, primary_key=True),
    Column("phone", Words, primary_key=True),
    Column("id", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("email", Words, nullable=False),
    Column("language", Words, nullable=False),
    Column("timezone", Words, nullable=False),
    Column("consent", Boolean),
    Column("variables", JSON, nullable=False),
    Column("line", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("state", Words, nullable=False),
    Column("due_at", Words, nullable=False),  # empty: at once; NEVER: until a person acts
    Column("reason", Words, nullable=False),
    Column("is_transient", Boolean, nullable=False),
    Column("disposition", Words),
    Index("contacts_by_state", "campaign", "state"),
    Index("contacts_by_id", "campaign", "id"),
    Index("contacts_by_position", "campaign", "position"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", Words, primary_key=True),
    Column("campaign", Words, nullable=False),
    Column("phone", Words, nullable=False),
    Column("attempt_no", Integer, nullable=False),
    Column("state", Words, nullable=False),
    Column("run_id", Words, nullable=False),
    Column("conversation_id", Words, unique=True),
    Column("claimed_at", Words, nullable=False),
    Column("started_at", Words),
    Column("ended_at", Words),
    Column("disposition", Words),
    Column("error", Words),
    Column("error_category", Words),
    Column("duration_s", Float),
    Column("cost_usd", Float),
    Column("summary", Text),
    Column("collected", JSON),
    Column("evidence", JSON),
    Column("looked_up", Integer, nullable=False),
    Column("last_looked_at", Words),
    Column("resolved_by", Words),
    Column("note", Words),
    Index("attempts_by_contact", "campaign", "phone"),
    Index("attempts_by_phone", "phone", "started_at"),
    Index("attempts_by_time", "claimed_at"),
    Index("attempts_by_disposition", "campaign", "disposition", "cost_usd"),
)

# What `status` and the live view show, kept by the triggers in the transactions that
# change it: nobody counts a million contacts while a run is on.
contact_counts = Table(
    "contact_counts",
    metadata,
    Column("campaign", Words, primary_key=True),
    Column("state", Words, primary_key=True),
    Column("contacts", Integer, nullable=False),
)

call_counts = Table(
    "call_counts",
    metadata,
    Column("campaign", Words, primary_key=True),
    Column("disposition", Words, primary_key=True),  # empty: no call that ended, or not yet
    Column("attempts", Integer, nullable=False),
    Column("priced", Integer, nullable=False),  # those whose cost is known
    Column("cost_usd", Float, nullable=False),
    Column("latest_end_at", Words, nullable=False),  # of those; empty: none
)

WAITING = ", ".join(f"'{state}'" for state in WAITING_STATES)
# the next contact due is the first entry of this index, whatever the campaign's size
Index(
    "contacts_due",
    contacts.c.campaign,
    contacts.c.due_at,
    contacts.c.position,
    sqlite_where=text(f"state IN ({WAITING})"),
    postgresql_where=text(f"state IN ({WAITING})"),
)

_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))

Index(
    "one_open_attempt_per_number",
    attempts.c.phone,
    unique=True,
    sqlite_where=text(f"state IN ({_OPEN})"),
    postgresql_where=text(f"state IN ({_OPEN})"),
)
Index(
    "attempts_open",
    attempts.c.campaign,
    attempts.c.state,
    sqlite_where=text(f"state IN ({_OPEN})"),
    postgresql_where=text(f"state IN ({_OPEN})"),
)

rejected = Table(
    "rejected",
    metadata,
    Column("campaign", Words, primary_key=True),
    Column("no", Integer, primary_key=True),
    Column("line", Integer, nullable=False),
    Column("column_name", Words, nullable=False),
    Column("value", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("fix", Words, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Words, primary_key=True),
    Column("campaign", Words, nullable=False),
    Column("host", Words, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Words, nullable=False),
    Column("heartbeat_at", Words, nullable=False),
    Column("ended_at", Words),
    Column("exit_status", Integer),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("destination", Words, nullable=False),
    Column("key", Words, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("state", Words, nullable=False),  # owed, sent, dead, dropped
    Column("created_at", Words, nullable=False),
    Column("next_at", Words),
    Column("tries", Integer, nullable=False),
    Column("last_error", Words),
    Column("ended_at", Words),
    UniqueConstraint("destination", "key"),
    Index("messages_by_state", "state", "destination", "id"),
)


# Who must not be called, and why; a number may be here for several reasons.
suppressions = Table(
    "suppressions",
    metadata,
    Column("phone_hash", Words, primary_key=True),
    Column("source", Words, primary_key=True),
    Column("phone", Words),  # null: the person was forgotten
    Column("added_at", Words, nullable=False),
    Column("seen_in", Words, nullable=False),  # the last import of its list
    Column("reason", Words, nullable=False),
    Column("campaign", Words, nullable=False),
    Column("added_by", Words, nullable=False),
    Index("suppressions_by_source", "source", "seen_in"),
)

number_lists = Table(
    "number_lists",
    metadata,
    Column("name", Words, primary_key=True),
    Column("as_of", Words, nullable=False),
    Column("imported_at", Words, nullable=False),
    Column("numbers", Integer, nullable=False),
    Column("sha256", Words, nullable=False),
)


# An outage that was told to a person, so that the next run does not tell it anew.
incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("service", Words, nullable=False),
    Column("is_refusal", Boolean, nullable=False),
    Column("opened_at", Words, nullable=False),
    Column("told_at", Words, nullable=False),
    Column("closed_at", Words),
    Column("error", Words, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("counts", JSON, nullable=False),
    Index("incidents_by_time", "opened_at"),
)
Index(
    "one_open_incident_per_service",
    incidents.c.service,
    unique=True,
    sqlite_where=text("closed_at IS NULL"),
    postgresql_where=text("closed_at IS NULL"),
)

# What a run's requests to a service came to; its latest state.
service_measures = Table(
    "service_measures",
    metadata,
    Column("run_id", Words, primary_key=True),
    Column("service", Words, primary_key=True),
    Column("operation", Words, primary_key=True),
    Column("campaign", Words, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("latency_ms", JSON, nullable=False),  # `<=50` → requests
    Column("total_ms", Float, nullable=False),
    Index("measures_by_campaign", "campaign"),
)

breaker_changes = Table(
    "breaker_changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", Words, nullable=False),
    Column("campaign", Words, nullable=False),
    Column("service", Words, nullable=False),
    Column("at", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Index("changes_by_campaign", "campaign"),
)

# Breakers that a person holds open.
breaker_holds = Table(
    "breaker_holds",
    metadata,
    Column("service", Words, primary_key=True),
    Column("reason", Words, nullable=False),
    Column("held_by", Words, nullable=False),
    Column("since", Words, nullable=False),
)


def _is_one_of(column: Column[str], states: Iterable[StrEnum]) -> ColumnElement[bool]:
    return column.in_([literal_column(f"'{state}'") for state in states])


# Word for word the conditions of the partial indexes: SQLite finds them by literals, not by
# parameters. A query for one of the states says so in addition.
IS_WAITING = _is_one_of(contacts.c.state, WAITING_STATES)
IS_OPEN = _is_one_of(attempts.c.state, sorted(OPEN_STATES))
