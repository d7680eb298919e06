"""FILE → SPLITS: labelled texts come in from files, checked and disjoint splits go out.

Reading order: files (cells, encoding, delimited, formats, memory), reading, agreement, aggregation, duplicates,
ordering, splitting, auditing, demo.
This room must not know torch, transformers or any model.
"""
