"""Dense search: every vector compared, a graph beside the index, or the database that keeps them."""
