"""`python -m humanseg` is the `humanseg` command."""

import sys

from humanseg.cli import main

sys.exit(main())
