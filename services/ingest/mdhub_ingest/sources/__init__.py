"""Source types behind one small port: where ticks come from."""
