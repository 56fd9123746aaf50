"""Settings → the small policies that campaign, resilience and events define."""

from collections.abc import Sequence

from callagent_cli.campaign.attempt import FollowRules
from callagent_cli.campaign.dial_rules import RedialRules
from callagent_cli.campaign.limits import HaltRule, RunLimits
from callagent_cli.campaign.opt_out import OptOutRule
from callagent_cli.campaign.runner import RunRules
from callagent_cli.config.calling_window import Window
from callagent_cli.config.settings import Settings
from callagent_cli.domain.call import Disposition
from callagent_cli.domain.suppression import NumberList
from callagent_cli.eligibility.callback import CallbackGate
from callagent_cli.eligibility.calling_window import CallingWindow
from callagent_cli.eligibility.consent import ConsentGate
from callagent_cli.eligibility.decision import Rules
from callagent_cli.eligibility.do_not_call import DoNotCallGate, ListRules
from callagent_cli.eligibility.frequency import FrequencyGate
from callagent_cli.eligibility.hours import HoursGate
from callagent_cli.eligibility.number_types import NumberTypeGate
from callagent_cli.events.incidents import Throttle
from callagent_cli.services.elevenlabs import ElevenLabs

_PROCESSING_S = 300.0  # after a conversation, the provider's analysis may take minutes


def eligibility_of(settings: Settings, lists: Sequence[NumberList] = ()) -> Rules:
    """lists: the imported do-not-call lists, for the evidence."""
    rules = settings.campaign
    return Rules(
        gates=(
            DoNotCallGate(lists),
            ConsentGate(is_required=rules.require_consent, max_age_s=rules.consent_max_age),
            NumberTypeGate(frozenset(rules.number_types)),
            CallbackGate(),
            FrequencyGate(
                max_attempts=rules.max_attempts_per_contact,
                min_gap_s=rules.min_gap_between_attempts,
                max_a_day=rules.max_calls_per_number_per_day,
                max_a_week=rules.max_calls_per_number_per_week,
                quiet_s=rules.quiet_after_conversation,
            ),
        ),
        hours=_hours(rules.calling_window),
    )


def list_rules_of(settings: Settings) -> ListRules:
    rules = settings.campaign.do_not_call
    return ListRules(rules.stale_after, rules.when_stale == "refuse", rules.required)


def _hours(window: Window | None) -> HoursGate:
    if window is None:
        return HoursGate(None)
    return HoursGate(
        CallingWindow.of(window.start, window.end, window.days, window.holidays),
        presets=window.preset,
        public_holidays=window.public_holidays,
        margin_s=window.margin,
        max_zones=window.max_zones,
    )


def _redial(settings: Settings) -> RedialRules:
    redial = settings.campaign.redial
    rules = {
        Disposition.NO_ANSWER: redial.no_answer,
        Disposition.BUSY: redial.busy,
        Disposition.VOICEMAIL: redial.voicemail,
        Disposition.FAILED: redial.failed,
    }
    return RedialRules(
        delays={ended: rule.after for ended, rule in rules.items()},
        max_attempts=settings.campaign.max_attempts_per_contact,
        most={ended: rule.most for ended, rule in rules.items() if rule.most is not None},
        spread=frozenset(ended for ended, rule in rules.items() if rule.spread),
    )


def _opt_out(settings: Settings) -> OptOutRule:
    rules = settings.campaign.do_not_call
    endings = frozenset(map(Disposition, rules.opt_out_dispositions))
    return OptOutRule(rules.opt_out_field, endings)


def limits_of(settings: Settings) -> RunLimits:
    """The config's; flags tighten them."""
    rules = settings.campaign
    return RunLimits(
        max_dials=rules.max_calls,
        max_cost_usd=rules.max_cost,
        max_dials_per_day=rules.max_calls_per_day,
        max_cost_usd_per_day=rules.max_cost_per_day,
        dials_per_minute=rules.calls_per_minute,
        halt=HaltRule(rules.halt.failed, rules.halt.after) if rules.halt else None,
        max_outage_wait_s=rules.max_outage_wait,
    )


def throttle_of(settings: Settings) -> Throttle:
    throttle = settings.alerts.throttle
    return Throttle(throttle.repeat_interval, throttle.digest_interval)


def run_rules_of(
    settings: Settings, dialer: ElevenLabs, lists: Sequence[NumberList] = ()
) -> RunRules:
    voice = settings.services.elevenlabs
    return RunRules(
        eligibility=eligibility_of(settings, lists),
        redial=_redial(settings),
        follow=FollowRules(
            poll_interval_s=voice.poll_interval,
            longest_call_s=lambda: voice.ringing_timeout + dialer.max_call_s + _PROCESSING_S,
            patience_s=settings.campaign.max_outage_wait,
        ),
        look_up_delays_s=tuple(voice.look_up_after),
        callback_field=settings.campaign.redial.callback_field,
        opt_out=_opt_out(settings),
    )
