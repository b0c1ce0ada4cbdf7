"""What must survive: the whole stack on real parts against the batch model, row by row of docs/reliability.md."""
