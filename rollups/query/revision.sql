-- Changes after every batch that changed a number, and after every rebuild or new rollup: neither number ever shrinks.
-- A batch's marker comes after all its rows, so what is read after this is never older than it says.
SELECT
    (SELECT sum(batches) FROM progress) AS batches,
    (SELECT count() FROM control) AS maintenance
