-- The name of the server's present life, '' if nobody has named it. Of several that were put there at once one stands.
SELECT min(id) AS id
FROM life
