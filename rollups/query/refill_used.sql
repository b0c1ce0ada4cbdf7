-- What was ever put into this database, and whether a refill of it was begun and did not end.
SELECT
    (SELECT count() FROM registry) AS registry,
    (SELECT uniqExact(id) FROM registry WHERE kind = 'site') AS sites,
    (SELECT count() FROM events) AS events,
    (SELECT sum(batches) FROM progress) AS batches,
    (SELECT argMax(hash, at) FROM migrations WHERE number = 0 AND name = 'refill') = 'begun' AS begun
