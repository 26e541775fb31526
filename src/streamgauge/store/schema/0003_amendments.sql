-- What was said about a record later: properties and scores. The last word on a name counts.
CREATE TABLE IF NOT EXISTS amendments
(
    record_id String,
    kind      LowCardinality(String),
    name      String,
    value     String,
    at        DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (record_id, kind, name)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
