"""Exit statuses, each with its reason. Scripts and cron rely on the numbers."""

from enum import IntEnum


class ExitStatus(IntEnum):
    DONE = 0  # every contact is final, or nothing was due
    BUG = 1  # unexpected; also: a simulation in which a promise did not hold
    USAGE = 2  # usage, config or input; nothing was dialled (2 is also Click's own)
    FAILED = 3  # every contact is final, at least one failed technically
    RESUMABLE = 4  # contacts are left: service down, window closed, a limit reached
    REFUSED = 5  # for good, until a person acts: credentials, quota, money, agent
    IN_DOUBT = 6  # attempts wait for `review`
    BUSY = 75  # EX_TEMPFAIL of sysexits.h: another run holds the ledger
    HUP = 129  # 128 + the signal's number, as shells have it
    INT = 130
    TERM = 143
