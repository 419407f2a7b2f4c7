"""`python -m mdhub_monitor`."""

import sys

from mdhub_monitor.app import main

sys.exit(main())
