"""`python -m callagent_cli` is `callagent`."""

from callagent_cli.cli.app import main

if __name__ == "__main__":
    main()
