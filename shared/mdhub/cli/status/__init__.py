"""`mdhub status`: facts of a hub, what is wrong with them, how they are shown."""
