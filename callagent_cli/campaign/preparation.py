"""Before the dial: who is this to the CRM, and what does the agent say?

Called by: campaign.runner, with a claim and before anything is committed to be sent. Nothing
here can stop a call: a CRM or a writer that is down, slow or talks nonsense is done without, and
`fallback.used` tells it.
"""

from dataclasses import dataclass

from callagent_cli.campaign.script import write_script
from callagent_cli.domain.call import Claim, Script
from callagent_cli.domain.clock import Signal
from callagent_cli.domain.contact import KnownPerson, mask_phone
from callagent_cli.domain.errors import Interrupted, ServiceError
from callagent_cli.domain.event import Emit, EventName
from callagent_cli.domain.ports import Crm
from callagent_cli.resilience.guard import Guard


@dataclass(frozen=True, slots=True)
class Prepared:
    script: Script
    crm_id: str = ""  # of the contact, where the CRM knows it

    @property
    def evidence(self) -> dict[str, object]:
        """Kept with the attempt: a later run may have to tell the CRM how it ended."""
        return {"crm_id": self.crm_id} if self.crm_id else {}


@dataclass(frozen=True, slots=True)
class CrmDesk:
    """The CRM as it is asked before a call: within `wait_s` seconds, or not at all."""

    crm: Crm
    guard: Guard
    wait_s: float
    stop: Signal
    emit: Emit

    def find(self, claim: Claim) -> KnownPerson | None:
        """None when the CRM does not know the contact, and when it could not be asked."""
        try:
            return self.guard.call(
                lambda: self.crm.find(claim.contact),
                operation="find",
                deadline_s=self.wait_s,
                stop=self.stop,
                fields={"contact_id": claim.contact.id, "attempt_id": claim.attempt_id},
            )
        except Interrupted:
            return None  # the gates that follow end the dial
        except ServiceError as error:
            self._tell(claim, error)
            return None

    def _tell(self, claim: Claim, error: ServiceError) -> None:
        snapshot = self.guard.snapshot()
        self.emit(
            EventName.FALLBACK_USED,
            service=self.crm.service,
            breaker_state=snapshot.breaker_state.value,
            retry_count=snapshot.retries,
            contact_id=claim.contact.id,
            phone=mask_phone(claim.contact.phone),
            attempt_id=claim.attempt_id,
            error=error.message,
            error_category=error.category.value,
            http_status=error.http_status,
            reason="called without what the CRM knows",
        )


@dataclass(frozen=True, slots=True)
class Preparation:
    """crm: None where there is none."""

    crm: CrmDesk | None = None

    def of(self, claim: Claim) -> Prepared:
        known = self.crm.find(claim) if self.crm else None
        script = write_script(claim.contact)
        return Prepared(script, crm_id=known.crm_id if known else "")
