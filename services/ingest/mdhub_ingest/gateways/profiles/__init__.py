"""What is particular about each gateway; `open_connection` gives one that `source.py` can drive.

`tables` is data: it needs neither vnpy nor a gateway.
"""

from mdhub_ingest.gateways.profiles.opening import open_connection
from mdhub_ingest.gateways.profiles.tables import secret_keys

__all__ = ["open_connection", "secret_keys"]
