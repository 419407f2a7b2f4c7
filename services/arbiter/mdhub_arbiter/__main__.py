"""`python -m mdhub_arbiter`."""

import sys

from mdhub_arbiter.app import main

sys.exit(main())
