"""The DuckDB warehouse: SQL over labels, rebuilt from Parquet parts and manifests and swapped in whole.

Here: the SQL files, the catalog of tables, building, publishing and opening. Not here: computing labels, and Dagster.
"""
