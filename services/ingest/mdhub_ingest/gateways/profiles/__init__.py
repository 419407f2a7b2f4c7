"""What is particular about each gateway; `open_connection` gives one that `source.py` can drive.

The settings of each kind are data (`mdhub.accounts.kinds`): they need neither vnpy nor a gateway.
"""

from mdhub.accounts.kinds import secret_keys
from mdhub_ingest.gateways.profiles.opening import open_connection

__all__ = ["open_connection", "secret_keys"]
