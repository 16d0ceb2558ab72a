"""`python -m humanseg` is the `humanseg` command."""

import sys

from humanseg.cli.main import main

sys.exit(main())
