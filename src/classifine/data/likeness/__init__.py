"""TEXTS → CLUSTERS: texts come in, which of them are equal or nearly so goes out.

Reading order: duplicates, minhash, linking.
This room must not know labels or splits.
"""
