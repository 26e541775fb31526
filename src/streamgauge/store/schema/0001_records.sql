-- One row per record; a row of an open exchange (version 0) gives way to the final one (version 1).
-- started_at and id never change, so they are the sorting key; everything else may.
-- Token counts are signed: what a provider reports is kept as it is, also when it makes no sense.
CREATE TABLE IF NOT EXISTS records
(
    id                   String CODEC(ZSTD(1)),
    started_at           DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    ended_at             Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    source               LowCardinality(String),
    provider             LowCardinality(String),
    dialect              LowCardinality(Nullable(String)),
    method               LowCardinality(String),
    path                 String CODEC(ZSTD(1)),
    model                LowCardinality(Nullable(String)),
    response_model       LowCardinality(Nullable(String)),
    streaming            Bool,
    http_status          Nullable(UInt16),
    outcome              LowCardinality(String),
    closed_by            LowCardinality(Nullable(String)),
    error_type           LowCardinality(Nullable(String)),
    error_message        Nullable(String) CODEC(ZSTD(1)),

    connect_ms           Nullable(Float64) CODEC(ZSTD(1)),
    headers_ms           Nullable(Float64) CODEC(ZSTD(1)),
    first_byte_ms        Nullable(Float64) CODEC(ZSTD(1)),
    first_event_ms       Nullable(Float64) CODEC(ZSTD(1)),
    first_reasoning_ms   Nullable(Float64) CODEC(ZSTD(1)),
    ttft_ms              Nullable(Float64) CODEC(ZSTD(1)),
    last_token_ms        Nullable(Float64) CODEC(ZSTD(1)),
    duration_ms          Nullable(Float64) CODEC(ZSTD(1)),
    itl_p50_ms           Nullable(Float64) CODEC(ZSTD(1)),
    itl_p95_ms           Nullable(Float64) CODEC(ZSTD(1)),
    itl_p99_ms           Nullable(Float64) CODEC(ZSTD(1)),
    max_gap_ms           Nullable(Float64) CODEC(ZSTD(1)),
    stalls               Nullable(UInt32),
    tokens_per_second    Nullable(Float64) CODEC(ZSTD(1)),
    overhead_p50_us      Nullable(Float64) CODEC(ZSTD(1)),
    overhead_max_us      Nullable(Float64) CODEC(ZSTD(1)),
    chunks               UInt64,
    bytes_in             UInt64,
    bytes_out            UInt64,

    input_tokens         Nullable(Int64),
    output_tokens        Nullable(Int64),
    cached_input_tokens  Nullable(Int64),
    cache_write_tokens   Nullable(Int64),
    reasoning_tokens     Nullable(Int64),
    audio_input_tokens   Nullable(Int64),
    audio_output_tokens  Nullable(Int64),
    usage_source         LowCardinality(String),
    cost_usd             Nullable(Float64) CODEC(ZSTD(1)),
    cost_source          LowCardinality(String),
    finish_reasons       Array(LowCardinality(String)),
    tool_calls           Array(LowCardinality(String)),

    user_id              Nullable(String) CODEC(ZSTD(1)),
    session_id           Nullable(String) CODEC(ZSTD(1)),
    session_path         Nullable(String) CODEC(ZSTD(1)),
    session_name         Nullable(String) CODEC(ZSTD(1)),
    properties           Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    client_request_id    Nullable(String) CODEC(ZSTD(1)),
    provider_request_id  Nullable(String) CODEC(ZSTD(1)),
    key_hash             LowCardinality(Nullable(String)),

    request_body         Nullable(String) CODEC(ZSTD(1)),
    reply                Nullable(String) CODEC(ZSTD(1)),
    response_text        Nullable(String) CODEC(ZSTD(1)),
    resumed              UInt32,
    journal_node         LowCardinality(String),

    request_headers      Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    response_headers     Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    raw                  String CODEC(ZSTD(1)),
    chunk_ms             Array(Float64) CODEC(ZSTD(1)),
    chunk_bytes          Array(UInt64) CODEC(T64, ZSTD(1)),
    version              UInt8,

    INDEX id_filter id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
