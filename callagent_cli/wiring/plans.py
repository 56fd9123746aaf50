"""What a plan needs of settings and ledger, and what it warns of."""

from datetime import datetime

from callagent_cli.campaign.forecast import CallCost, Pace
from callagent_cli.campaign.plan import Fate, Outlook, Plan
from callagent_cli.config.loading import missing_for_real_calls
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import ServiceError
from callagent_cli.intake.contacts import ContactsFile
from callagent_cli.ledger.store import Ledger
from callagent_cli.services.elevenlabs import ElevenLabs
from callagent_cli.wiring.contacts import needs_of, told_to_agent
from callagent_cli.wiring.ledgers import list_problems_of
from callagent_cli.wiring.policies import eligibility_of, limits_of
from callagent_cli.wiring.provider import clock_of, outside
from callagent_cli.wiring.session import Wish
from callagent_cli.wiring.settings_in_force import is_sandbox, warnings_of

CREDITS_PER_MINUTE = 500  # the vendor's 400 to 800; an estimate
_ENOUGH_CALLS = 10  # of the campaign's own, before they count more than the config's figures


def outlook_of(
    settings: Settings, wish: Wish, ledger: Ledger | None, *, retries_failed: bool = False
) -> Outlook:
    now = clock_of(settings).now()
    calls, cost_usd = _today(ledger, now) if wish.limits.is_daily else (0, 0.0)
    return Outlook(
        campaign=wish.campaign,
        rules=eligibility_of(settings, ledger.number_lists() if ledger else ()),
        limits=wish.limits,
        pace=Pace(wish.concurrency, _call(settings, wish, ledger), wish.limits.pace_s),
        now=now,
        only=wish.only,
        retries_failed=retries_failed,
        calls_today=calls,
        cost_usd_today=cost_usd,
    )


def outlook_on(settings: Settings, campaign: str, ledger: Ledger | None) -> Outlook:
    """Of a run as the settings alone make it."""
    wish = Wish(campaign, "", limits_of(settings), settings.campaign.concurrency)
    return outlook_of(settings, wish, ledger)


def _today(ledger: Ledger | None, now: datetime) -> tuple[int, float]:
    if ledger is None:
        return 0, 0.0
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return ledger.spent_since(midnight)


def _call(settings: Settings, wish: Wish, ledger: Ledger | None) -> CallCost:
    measured = ledger.call_figures(wish.campaign) if ledger else None
    if measured is not None and measured.calls >= _ENOUGH_CALLS and measured.answered:
        minutes = measured.talk_s / 60
        return CallCost(
            talk_s=measured.talk_s / measured.answered,
            answered_share=measured.answered / measured.calls,
            usd_per_minute=measured.cost_usd / minutes if measured.cost_usd and minutes else None,
            is_measured=True,
        )
    estimate = settings.campaign.estimate
    return CallCost(estimate.talk, estimate.answered, estimate.price_per_minute)


def plan_warnings(
    settings: Settings, file: ContactsFile, ledger: Ledger | None, plan: Plan
) -> list[str]:
    """What is likely to spoil the run, as far as can be told without asking anybody."""
    found = [problem.what for problem in list_problems_of(settings, ledger)]
    found += warnings_of(settings)
    missing = [] if is_sandbox(settings) else missing_for_real_calls(settings)
    found += missing or _asked_of_the_provider(settings, file, plan)
    needs = needs_of(settings)
    if absent := sorted(set(needs.variables) - set(file.columns)):
        found.append(f"no column gives {', '.join(absent)}, which the texts name")
    if (gone := _not_in_the_file(plan, ledger)) > 0:
        found.append(f"{gone} contacts of an earlier file wait too: a run calls them when due")
    if plan.cost_usd is None and plan.verdicts[Fate.CALL]:
        found.append("no price is known: set campaign.estimate.price_per_minute")
    return found


def _asked_of_the_provider(settings: Settings, file: ContactsFile, plan: Plan) -> list[str]:
    """What the agent, its number and the account's credits would spoil. Reads only, once."""
    asked = outside(settings, SystemClock())
    try:
        found = [
            f"{one.what}: {one.fix}"
            for one in asked.dialer.preflight(told_to_agent(settings, file.columns))
        ]
        return [*found, *_credits(asked.dialer, plan)]
    except ServiceError as error:
        return [f"the agent could not be checked: {error.message}"]
    finally:
        asked.close()


def _credits(dialer: ElevenLabs, plan: Plan) -> list[str]:
    try:
        left = dialer.credits()
    except ServiceError:
        return []  # the key may lack the scope; `doctor` says so
    if left is None:
        return []
    found = ["the account is behind with its payments"] if left.is_behind else []
    needed = credits_needed(plan)
    if left.credits is not None and left.credits < needed:
        found.append(f"{left.credits:,} credits are left, and about {needed:,.0f} are needed")
    return found


def credits_needed(plan: Plan) -> float:
    """Of the provider's, likely, for the calls of a plan."""
    call = plan.outlook.pace.call
    return plan.to_call * call.answered_share * call.talk_s / 60 * CREDITS_PER_MINUTE


def _not_in_the_file(plan: Plan, ledger: Ledger | None) -> int:
    """Waiting contacts of the campaign that this plan has not met."""
    if ledger is None:
        return 0
    totals = ledger.totals(plan.campaign)
    return sum(totals.values()) - plan.known
