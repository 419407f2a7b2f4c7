"""THE table of server states that keep the hub from its log: what each means, and the way out.

Every error of the log names one of them; services, `mdhub up` and `mdhub status` say these words,
and docs/server-states.md is made of them (`make state-docs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["STATES", "ServerState"]


@dataclass(frozen=True, slots=True)
class ServerState:
    """One row of the table."""

    name: str
    meaning: str
    way_out: str
    heals: bool
    """Whether waiting may help. What cannot heal ends a service at its start with exit code 2."""


def _state(name: str, meaning: str, way_out: str, *, heals: bool = True) -> ServerState:
    return ServerState(name, meaning, way_out, heals)


_ALL: Final = (
    _state(
        "unreachable",
        "nobody answers at the address, or the connection broke",
        "start the server (mdhub up does), or name another with --data, --config or "
        "MDHUB_REDIS_URL",
    ),
    _state(
        "hanging",
        "the server accepts connections and says nothing: stopped, out of CPU, or stuck on its "
        "disk",
        "look at the server's process and its disk; continue or restart it",
    ),
    _state(
        "loading",
        "the server reads its data from disk after a start",
        "nothing to do: wait until it has loaded (about 5 s for each GB)",
    ),
    _state(
        "oom",
        "the server's memory is full, so it refuses writes (noeviction: it drops nothing)",
        "raise its limit (CONFIG SET maxmemory, maxmemory_mb of [server]) or keep less "
        "([retention])",
    ),
    _state(
        "readonly",
        "the server is a read-only replica",
        "name the primary in the address, or promote this one (REPLICAOF NO ONE)",
    ),
    _state(
        "misconf",
        "the server cannot write its data to disk, so it refuses writes",
        "make room on its disk and let it write to its folder; its log names the reason",
    ),
    _state(
        "busy",
        "a script or function of somebody blocks the server",
        "end it with FUNCTION KILL or SCRIPT KILL; if it has written, only SHUTDOWN NOSAVE helps",
    ),
    _state(
        "maxclients",
        "the server takes no more connections",
        "close clients that are not needed, or raise its limit (CONFIG SET maxclients)",
    ),
    _state(
        "noreplicas",
        "the server has too few good replicas, so it refuses writes (min-replicas-to-write)",
        "bring its replicas back, or lower min-replicas-to-write",
    ),
    _state(
        "masterdown",
        "the server is a replica that has lost its primary and serves nothing",
        "bring the primary back, or promote this one (REPLICAOF NO ONE)",
    ),
    _state(
        "moved",
        "the cluster has given these keys to another node, or is doing so",
        "nothing to do in a cluster that was named as one (redis+cluster://host:port,host:port); "
        "if the address names one node only, name the cluster",
    ),
    _state(
        "clusterdown",
        "a part of the cluster has no master, or too few masters see each other",
        "bring the masters back (CLUSTER NODES names them); after a start it takes about 2 s",
    ),
    _state(
        "unnamed",
        "no Sentinel answers, so nobody says which server is the master",
        "start the Sentinels, or name them as they are: "
        "redis+sentinel://host1:26379,host2:26379,host3:26379/name",
    ),
    _state(
        "demoted",
        "the server that the Sentinels name as master says that it is none: a failover is under "
        "way",
        "nothing to do: they name the new master within seconds; if not, see SENTINEL CKQUORUM",
    ),
    _state(
        "unled",
        "no arbiter has taken this server process yet, so the log takes no ticks",
        "start an arbiter (mdhub up, mdhub run arbiter), or see in its log why it does not lead",
    ),
    _state(
        "login",
        "the server refuses the user or the password, or wants one and got none",
        "give an address with a user and password that the server takes: "
        "redis://user:password@host:port",
        heals=False,
    ),
    _state(
        "forbidden",
        "the server's rights (ACL) do not allow this user what the hub needs",
        "give the user the rights to the hub's keys and commands (ACL SETUSER), or name another "
        "user",
        heals=False,
    ),
    _state(
        "foreign",
        "what listens at the address is no Redis or Valkey server",
        "name the address of a Redis or Valkey server; see what holds the port",
        heals=False,
    ),
    _state(
        "alone",
        "the server is no node of a cluster, and the address says that it is",
        "write redis://host:port for a single server, or name nodes of the cluster",
        heals=False,
    ),
    _state(
        "outdated",
        "the server has no functions (FUNCTION, FCALL): too old, or they are disabled",
        "use Redis 7.0 or newer, or Valkey 7.2 or newer, with FUNCTION and FCALL enabled",
        heals=False,
    ),
    _state(
        "address",
        "the server address was not understood",
        "write redis://host:port, rediss://host:port, unix:///path/to/socket, "
        "redis+sentinel://host1:26379,host2:26379,host3:26379/name or "
        "redis+cluster://host:port,host:port (special characters in a password as %XX)",
        heals=False,
    ),
    _state(
        "unmonitored",
        "the Sentinels watch no master of that name",
        "name the master as SENTINEL MASTERS has it, behind the hosts: "
        "redis+sentinel://host1,host2,host3/name",
        heals=False,
    ),
    _state(
        "library",
        "the server holds another build of the log's functions",
        "run one version of mdhub per server, or remove the old functions (FUNCTION DELETE)",
        heals=False,
    ),
    _state(
        "rules",
        "the log is decided by newer rules than this mdhub knows",
        "upgrade mdhub on this host",
        heals=False,
    ),
    _state(
        "shards",
        "the log was made for another number of shards",
        "start every service with the log's number of shards, or use a new data folder or prefix",
        heals=False,
    ),
)

STATES: Final = {state.name: state for state in _ALL}
