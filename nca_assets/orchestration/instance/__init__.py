"""The Dagster instance: its home, the dataset it belongs to, its database, its history and its run launcher."""
