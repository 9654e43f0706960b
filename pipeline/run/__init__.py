"""What a run is on disk: its layout, its storage, who works on it, and queries over its evidence."""
