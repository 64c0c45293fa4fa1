"""`python -m portal`: the console command."""

from portal.cli import main

main()
