"""`callagent`, and `python -m callagent_cli`."""

import sys

from callagent_cli import __version__


def main() -> None:
    if sys.argv[1:] == ["--version"]:  # answered before anything slow is imported
        sys.stdout.write(f"callagent {__version__}\n")
        return
    from callagent_cli.cli.app import run_app

    sys.exit(run_app())


if __name__ == "__main__":
    main()
