"""One file an endpoint of the read API: what it answers, as pydantic models, and the function that finds the answer.

Enter: a reader of the rollups and typed parameters (a `Span` for a range). Leaves: a model whose JSON is the
response body. The functions block on ClickHouse, change nothing, and do not look at the clock.
"""
