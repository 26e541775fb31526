-- What was tried before the answer: JSON, empty where the first attempt was the only one.
ALTER TABLE records ADD COLUMN IF NOT EXISTS attempts String CODEC(ZSTD(1)) AFTER response_text;
ALTER TABLE records ADD COLUMN IF NOT EXISTS retries UInt32 AFTER attempts;
