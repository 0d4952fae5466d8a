"""The `optical` command, also as `python -m optical_core`."""

import sys


def main() -> None:
    """Run the command. Interrupted while it is still being loaded, it ends without a traceback."""
    try:
        from optical_core.cli import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
