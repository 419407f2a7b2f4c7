"""What the API tells of the hub: nothing here changes anything."""
