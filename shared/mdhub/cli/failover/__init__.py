"""`mdhub failover`: swap leader and standby, active and standby source, by hand; the playbook."""
