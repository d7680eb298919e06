"""LABELLED TEXTS → PARTS: one table comes in, disjoint parts or folds go out; what they share with each other is found.

Reading order: splitting, units, cutting, dealing, mending, times, notes; folds; contamination; storing; stored.
This room must not know what is trained or scored.
"""
