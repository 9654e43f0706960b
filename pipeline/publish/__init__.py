"""What a run leaves for its users: shards, manifest, dataset card, exports, report."""
