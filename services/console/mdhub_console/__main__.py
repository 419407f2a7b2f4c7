"""`python -m mdhub_console`."""

import sys

from mdhub_console.app import main

sys.exit(main())
