"""A local page to look through a run: queries over its Parquet, pages drawn on the server, flags kept in the run."""
