"""The SDK: a strategy's side of the hub. Speaks ZeroMQ only."""
