"""`python -m kedge` is `kedge`."""

from kedge.cli.main import main

if __name__ == "__main__":
    main()
