"""CELLS → LABELLED TEXTS OR JUDGEMENTS: columns in use come in, tables go out, with an account of every row.

Reading order: reading, accounting, gathering (remote, memory), items, joining; labelling, label_files.
This room must not know how judgements become labels.
"""
