"""`python -m optical_core` is the `optical` command."""

from optical_core.cli import main

main()
