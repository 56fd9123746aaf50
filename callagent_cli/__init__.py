"""callagent: AI phone-call campaigns from a terminal or from cron.

Nothing runs at import, anywhere in the package.
"""

__version__ = "0.1.0"
