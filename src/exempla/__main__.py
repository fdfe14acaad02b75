"""`python -m exempla` is the command `exempla`."""

from exempla.cli import main

main()
