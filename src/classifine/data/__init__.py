"""FILE → SPLITS: labelled texts come in from files, checked and disjoint splits go out.

Reading order: reading, auditing, agreement, aggregation, splitting, demo.
This room must not know torch, transformers or any model.
"""
