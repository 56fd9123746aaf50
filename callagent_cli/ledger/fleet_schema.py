"""What several processes agree on while they work from one ledger: orders, crew, breakers.

Only on a server. Nothing here is a record: were it lost, nobody would be called twice and nobody
forgotten, for that is the ledger's; see `schema`.
"""

from sqlalchemy import JSON, Column, Float, Integer, MetaData, Table, Text

from callagent_cli.ledger.schema import WAITING, Words

FLEET_VERSION = 1  # of what is here; a later one must serve the programs of an earlier one
fleet_metadata = MetaData()

# A campaign that is to be worked on, and within which limits. One a campaign; opened anew by the
# next `run`, then with another order_id.
orders = Table(
    "orders",
    fleet_metadata,
    Column("campaign", Words, primary_key=True),
    Column("order_id", Words, nullable=False),
    Column("opened_at", Words, nullable=False),
    Column("closed_at", Words),
    Column("paused_at", Words),
    Column("reason", Words, nullable=False),  # why it is paused or closed
    Column("lanes", Integer, nullable=False),  # calls at the same time, of the whole fleet
    Column("lanes_now", Integer, nullable=False),  # fewer while the plan's lines are in use
    Column("crowded_until", Words, nullable=False),
    Column("next_dial_at", Words, nullable=False),  # at the pace that was asked for
    Column("limits", JSON, nullable=False),
    Column("only", JSON(none_as_null=True)),  # contact ids; null: everybody
)

# Runs and workers that are there, or were; their rows in `runs` say who is alive.
crew = Table(
    "crew",
    fleet_metadata,
    Column("run_id", Words, primary_key=True),
    Column("role", Words, nullable=False),  # run, worker
    Column("order_id", Words, nullable=False),
    Column("version", Words, nullable=False),
    Column("lanes", Integer, nullable=False),
    Column("state", Words, nullable=False),  # working, draining, left
    # what came of this order through it; kept by a trigger on `attempts`
    Column("dialled", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("cost_usd", Float, nullable=False),
)

# Who leads: probes, tells people, delivers, feeds the queue.
leases = Table(
    "leases",
    fleet_metadata,
    Column("name", Words, primary_key=True),
    Column("run_id", Words, nullable=False),
    Column("until", Words, nullable=False),
)

# A service's breaker as the fleet knows it.
breakers = Table(
    "breakers",
    fleet_metadata,
    Column("service", Words, primary_key=True),
    Column("epoch", Integer, nullable=False),  # grows with each change
    Column("state", Words, nullable=False),
    Column("error", Text, nullable=False),
    Column("run_id", Words, nullable=False),  # who changed it
)

_KEY = "fresh.campaign || ':' || fresh.position"

# What came of an order, committed with the fact. One row a process: nobody waits for another.
_COUNT = """
CREATE OR REPLACE FUNCTION crew_counts() RETURNS trigger LANGUAGE plpgsql AS $count$
BEGIN
  IF NEW.state = 'placed' AND OLD.state <> 'placed' THEN
    UPDATE crew SET dialled = dialled + 1 WHERE run_id = NEW.run_id;
  ELSIF NEW.state = 'completed' AND OLD.state = 'placed' THEN
    UPDATE crew SET ended = ended + 1, failed = failed + (NEW.disposition = 'failed')::int,
      cost_usd = cost_usd + coalesce(NEW.cost_usd, 0.0) WHERE run_id = NEW.run_id;
  ELSIF NEW.state = 'refused' AND OLD.state = 'dialing'
        AND NEW.error_category = 'permanent' THEN
    UPDATE crew SET ended = ended + 1, failed = failed + 1 WHERE run_id = NEW.run_id;
  END IF;
  RETURN NEW;
END $count$
"""

# A contact that becomes due is handed to the engine in the transaction that made it due. Where
# one statement moves many, the leader feeds them in their order: the queue stays short.
_ENQUEUE = f"""
CREATE OR REPLACE FUNCTION contacts_enqueue() RETURNS trigger LANGUAGE plpgsql AS $enqueue$
BEGIN
  IF (SELECT count(*) FROM (SELECT 1 FROM fresh LIMIT 2) AS moved) <> 1 THEN
    RETURN NULL;
  END IF;
  INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at)
  SELECT fresh.campaign, 'attend', {_KEY}, {_KEY},
    jsonb_build_object('campaign', fresh.campaign, 'position', fresh.position),
    NULLIF(fresh.due_at, '')::timestamptz
  FROM fresh JOIN orders ON orders.campaign = fresh.campaign
    AND orders.closed_at IS NULL AND orders.paused_at IS NULL AND orders.only IS NULL
  WHERE fresh.state IN ({WAITING}) AND fresh.due_at <> 'never'
    AND (fresh.due_at = '' OR fresh.due_at::timestamptz < clock_timestamp() + interval '60 s')
  ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING;
  RETURN NULL;
END $enqueue$
"""  # noqa: S608 - constants of this program

FLEET_RULES = (
    _COUNT,
    "DROP TRIGGER IF EXISTS crew_counts ON attempts",
    "CREATE TRIGGER crew_counts AFTER UPDATE OF state ON attempts FOR EACH ROW "
    "WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION crew_counts()",
    _ENQUEUE,
    "DROP TRIGGER IF EXISTS contacts_enqueue ON contacts",
    "CREATE TRIGGER contacts_enqueue AFTER UPDATE ON contacts REFERENCING NEW TABLE AS fresh "
    "FOR EACH STATEMENT EXECUTE FUNCTION contacts_enqueue()",
)
"""In force beside those of `server_rules`; they move nothing but the fleet's own tables."""
