-- Who logs a call need not say whose API it was, nor which: absent is NULL here, too.
ALTER TABLE records
    MODIFY COLUMN provider LowCardinality(Nullable(String)),
    MODIFY COLUMN path Nullable(String) CODEC(ZSTD(1));
ALTER TABLE records
    UPDATE provider = nullIf(provider, ''), path = nullIf(path, '')
    WHERE provider = '' OR path = '';
