"""`callagent` that is late: by the time it would lend a hand, others have done with the order.

CALLAGENT_TEST_DONE: what they have done, close or pause.
"""

import os
from typing import Any

from callagent_cli.wiring import shifts


def _be_late() -> None:
    build_worker = shifts.build_worker

    def late(settings: Any, fleet: Any, *rest: Any, campaign: str, **more: Any) -> Any:
        if os.environ["CALLAGENT_TEST_DONE"] == "pause":
            fleet.pause(campaign, "wrong date")
        else:
            fleet.close_order(campaign, fleet.order(campaign).order_id, "by another one")
        return build_worker(settings, fleet, *rest, campaign=campaign, **more)

    vars(shifts)["build_worker"] = late


if __name__ == "__main__":
    _be_late()
    from callagent_cli.__main__ import main

    main()
