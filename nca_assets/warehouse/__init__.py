"""The DuckDB warehouse: SQL over labels, rebuilt from Parquet parts and manifests and swapped in whole.

Covers the SQL files, the catalog of tables, building, publishing and opening; not computing labels, nor Dagster.
"""
