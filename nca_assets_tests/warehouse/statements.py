"""Statements of every kind that DuckDB has, aimed at the warehouse's file, at other files, and at nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECRET = "canary 5f3a"
"""What no answer may hold; it stands in files of every format, which no statement may read."""


@dataclass(frozen=True)
class Targets:
    """Files that statements are aimed at."""

    warehouse: Path
    folder: Path
    """A folder with a ``secret`` file of each format, to read and to overwrite."""

    @property
    def to_write(self) -> list[str]:
        """The warehouse, what DuckDB keeps beside it, other files, new ones, and paths relative to here."""
        beside = [f"{self.warehouse}{suffix}" for suffix in ("", ".wal", ".wal.checkpoint", ".wal.recovery")]
        others = [f"{self.folder}/{name}" for name in ("secret.csv", "secret.duckdb", "new")]
        return [*beside, *others, ".tmp/new", "new.duckdb"]

    def to_read(self, ending: str) -> list[str]:
        """A secret, by its path, by a pattern and relative to here; the warehouse itself; and a server."""
        secrets = [f"{self.folder}/secret.{ending}", f"{self.folder}/*", f".tmp/secret.{ending}"]
        return [*secrets, str(self.warehouse), "http://127.0.0.1:9/x"]


WRITING = """
COPY labels TO '{}'
COPY (SELECT 1 AS x) TO '{}' (FORMAT csv, USE_TMP_FILE false)
COPY (SELECT 1 AS x) TO '{}' (FORMAT parquet)
COPY (SELECT 1 AS x) TO '{}' (FORMAT json, OVERWRITE_OR_IGNORE true, PER_THREAD_OUTPUT true)
EXPORT DATABASE '{}'
ATTACH '{}' AS other
ATTACH '{}' AS other (READ_ONLY)
ATTACH IF NOT EXISTS '{}'
ATTACH OR REPLACE '{}' AS nca
USE memory; DETACH nca; ATTACH '{}' AS w; UPDATE w.main.labels SET behavior = 'x'; SELECT 1
SET temp_directory = '{}'
SET log_query_path = '{}'
SET profiling_output = '{}'
CALL enable_logging(storage = 'file', storage_path = '{}')
FROM enable_logging('QueryLog', storage = 'file', storage_path = '{}')
PRAGMA profiling_output = '{}'
EXPLAIN ANALYZE COPY (SELECT 1) TO '{}'
"""

READING = {
    "csv": """
        FROM '{}'
        FROM read_csv('{}')
        FROM read_csv_auto(['{}'])
        FROM sniff_csv('{}')
        SELECT * FROM read_text('{}')
        SELECT content FROM read_blob('{}')
        FROM glob('{}')
        SELECT (SELECT max(content) FROM read_text('{}'))
        FROM query('FROM read_text(''{}'')')
        FROM query_table('{}')
        FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{}'')'))
        WITH x AS MATERIALIZED (FROM read_text('{}')) FROM x
        DESCRIBE FROM read_csv('{}')
        SUMMARIZE FROM read_csv('{}')
        PIVOT (FROM read_text('{}')) ON content
        COPY labels FROM '{}'
        IMPORT DATABASE '{}'
        LOAD '{}'
        INSTALL '{}'
        CREATE TABLE memory.main.x AS FROM read_text('{}')
        CREATE VIEW memory.main.x AS FROM read_text('{}')
    """,
    "json": """
        FROM read_json('{}')
        FROM read_json_auto('{}')
        FROM read_ndjson('{}')
        FROM read_json_objects('{}')
    """,
    "parquet": """
        FROM '{}'
        FROM read_parquet('{}')
        FROM parquet_scan(['{}'])
        FROM parquet_metadata('{}')
        FROM parquet_schema('{}')
        FROM parquet_file_metadata('{}')
        FROM parquet_kv_metadata('{}')
        FROM parquet_bloom_probe('{}', 'secret', 'x')
    """,
    "duckdb": """
        FROM '{}'
        FROM '{}'.main.secret
        FROM read_duckdb('{}', table_name = 'secret')
        ATTACH '{}' AS other; FROM other.secret
        FROM sqlite_scan('{}', 'secret')
    """,
}

PLAIN = """
INSERT INTO labels SELECT * FROM labels
INSERT INTO labels BY NAME SELECT 'x' AS behavior
INSERT OR REPLACE INTO labels FROM labels
WITH x AS (INSERT INTO labels FROM labels RETURNING *) FROM x
UPDATE labels SET behavior = 'x'
UPDATE nca.main.labels SET rollout_index = 0 RETURNING *
DELETE FROM labels
DELETE FROM labels USING shards WHERE labels.shard = shards.shard
TRUNCATE labels
MERGE INTO labels USING (SELECT 'x' AS rollout_id) AS new USING (rollout_id) WHEN MATCHED THEN DELETE
CREATE TABLE x (i INTEGER)
CREATE OR REPLACE TABLE labels AS SELECT 1 AS x
CREATE TEMP TABLE x AS FROM labels
CREATE TABLE memory.main.x AS FROM labels
CREATE VIEW x AS FROM labels
CREATE OR REPLACE VIEW rollouts AS SELECT 1 AS x
CREATE TEMP VIEW labels AS SELECT 1 AS x
CREATE SCHEMA x
CREATE SEQUENCE x
CREATE INDEX x ON labels (rollout_id)
CREATE UNIQUE INDEX x ON labels (rollout_id)
CREATE TYPE x AS ENUM ('a', 'b')
CREATE TYPE x AS ENUM ('a'); SELECT 'a'::x
CREATE MACRO x(a) AS a + 1
CREATE OR REPLACE TEMP MACRO x(a) AS TABLE SELECT a
CREATE FUNCTION x(a) AS a
CREATE SECRET x (TYPE http, BEARER_TOKEN 'y')
CREATE PERSISTENT SECRET x (TYPE http, BEARER_TOKEN 'y')
DROP TABLE labels
DROP TABLE IF EXISTS labels CASCADE
DROP VIEW rollouts
DROP SCHEMA main CASCADE
DROP SEQUENCE IF EXISTS x
DROP INDEX IF EXISTS x
DROP TYPE IF EXISTS x
DROP MACRO IF EXISTS x
DROP SECRET IF EXISTS x
DROP FUNCTION IF EXISTS x
ALTER TABLE labels RENAME TO x
ALTER TABLE labels RENAME COLUMN behavior TO x
ALTER TABLE labels ADD COLUMN x INTEGER
ALTER TABLE labels DROP COLUMN behavior
ALTER TABLE labels ALTER behavior SET DEFAULT 'x'
ALTER TABLE labels ALTER behavior TYPE BLOB
ALTER TABLE labels ALTER behavior SET NOT NULL
ALTER TABLE labels ADD PRIMARY KEY (rollout_id)
ALTER VIEW rollouts RENAME TO x
ALTER DATABASE nca SET ALIAS TO x
COMMENT ON TABLE labels IS 'x'
COMMENT ON COLUMN labels.behavior IS 'x'
COMMENT ON VIEW rollouts IS 'x'
COPY FROM DATABASE nca TO memory
COPY FROM DATABASE nca TO memory (SCHEMA)
ATTACH ':memory:' AS x
DETACH nca
DETACH DATABASE IF EXISTS memory
USE memory
USE nca.main
USE memory; CREATE TABLE labels AS SELECT 1
SET threads = 1
SET GLOBAL memory_limit = '10MB'
SET SESSION search_path = 'memory.main'
SET lock_configuration = false
SET enable_external_access = true
SET disabled_filesystems = ''
SET allowed_paths = ['/']
SET allowed_directories = ['/']
SET autoinstall_known_extensions = true
SET custom_extension_repository = '/'
SET secret_directory = '/'
SET VARIABLE x = 1
SET VARIABLE x = (SELECT count(*) FROM labels)
SET schema = 'memory.main'
RESET threads
RESET VARIABLE x
RESET disabled_filesystems
PRAGMA threads = 1
PRAGMA memory_limit = '1GB'
PRAGMA enable_profiling
PRAGMA enable_profiling = 'json'
PRAGMA disable_checkpoint_on_shutdown
PRAGMA force_checkpoint
PRAGMA enable_checkpoint_on_shutdown
PRAGMA enable_verification
PRAGMA enable_object_cache
PRAGMA table_info('labels')
PRAGMA storage_info('labels')
PRAGMA database_list
PRAGMA show_tables
PRAGMA version
PRAGMA metadata_info
INSTALL httpfs
FORCE INSTALL json FROM core_nightly
INSTALL spatial FROM 'http://127.0.0.1:9/'
LOAD httpfs
LOAD json
UPDATE EXTENSIONS
UPDATE EXTENSIONS (httpfs)
CALL pragma_version()
CALL enable_logging()
CALL enable_logging(storage = 'stdout')
CALL enable_logging(storage = 'file')
CALL disable_logging()
CALL truncate_duckdb_logs()
CALL checkpoint()
CALL force_checkpoint()
FROM enable_logging()
FROM disable_logging()
FROM truncate_duckdb_logs()
FROM checkpoint()
FROM force_checkpoint()
SELECT write_log(behavior) FROM labels
SELECT nextval('x')
SELECT getenv('HOME')
SELECT add_parquet_key('a', 'b')
SELECT current_setting('secret_directory')
FROM duckdb_logs
FROM duckdb_secrets()
FROM duckdb_extensions()
FROM duckdb_settings()
FROM duckdb_databases()
FROM duckdb_temporary_files()
FROM duckdb_external_file_cache()
FROM pragma_storage_info('labels')
FROM which_secret('s3://x/y', 's3')
FROM arrow_scan(1, 2, 3)
FROM pandas_scan(1)
FROM seq_scan()
FROM query('SELECT 1; SELECT 2')
FROM query('DROP TABLE labels')
FROM query_table(['shards', 'shards'])
FROM sqlite_attach('x')
FROM ST_Read('x')
FROM iceberg_scan('x')
FROM "s3://x/y.parquet"
SELECT ST_Point(1, 2)
VACUUM
VACUUM ANALYZE
VACUUM labels
ANALYZE
ANALYZE labels
CHECKPOINT
CHECKPOINT nca
FORCE CHECKPOINT nca
CHECKPOINT memory
BEGIN
BEGIN TRANSACTION READ ONLY
START TRANSACTION
COMMIT
ROLLBACK
ABORT
BEGIN; DELETE FROM labels; COMMIT
PREPARE x AS SELECT 1
PREPARE x AS DELETE FROM labels
PREPARE x AS SELECT $1; EXECUTE x(1)
EXECUTE x
EXECUTE x(1)
DEALLOCATE x
DEALLOCATE ALL
EXPLAIN SELECT 1
EXPLAIN ANALYZE SELECT 1
EXPLAIN ANALYZE DELETE FROM labels
EXPLAIN DROP TABLE labels
SELECT 1; SELECT 2
SELECT 1; DROP TABLE labels
PIVOT labels ON behavior; DROP TABLE labels
PIVOT labels ON behavior; PIVOT labels ON behavior
SELECT ?
SELECT $secret
SELECT FROM
SELECT 'x'::INTEGER
SELECT error('x')
SELECT 1 INTO x
SELEC 1
FROM nowhere
(((
/* never closed
'never closed
;
;;
-- nothing
"""


def statements(targets: Targets) -> list[str]:
    """All of them."""
    every = [*_each(WRITING, targets.to_write), *_lines(PLAIN)]
    for ending, templates in READING.items():
        every += _each(templates, targets.to_read(ending))
    return list(dict.fromkeys(every))


def as_queries(statement: str) -> list[str]:
    """A statement where a query is wanted: as it is, behind and before one, and inside of one."""
    return [statement, f"SELECT 1; {statement}", f"{statement}; SELECT 1", f"FROM ({statement})"]


def as_conditions(statement: str) -> list[str]:
    """A statement where a condition is wanted: as it is, behind one, out of its parentheses, and as a subquery."""
    return [statement, f"true; {statement}", f"true); {statement}; SELECT (1", f"true OR EXISTS ({statement})"]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def _each(templates: str, paths: list[str]) -> Iterator[str]:
    for template in _lines(templates):
        yield from (template.replace("{}", path) for path in paths)
