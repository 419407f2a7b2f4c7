"""`python -m mdhub_ingest`."""

import sys

from mdhub_ingest.app import main

sys.exit(main())
