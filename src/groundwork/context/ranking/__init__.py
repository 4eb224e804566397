"""From several lists to one: fusion, preferences, rerankers, and whether the hits speak of what is asked at all."""
