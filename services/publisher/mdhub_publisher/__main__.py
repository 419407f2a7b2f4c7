"""`python -m mdhub_publisher`."""

import sys

from mdhub_publisher.app import main

if __name__ == "__main__":
    sys.exit(main())
