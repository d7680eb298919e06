"""FILE → PREDICTIONS: what another tool or a language model said about texts, checked row by row.

Read columns.py (which column is what), numbers.py (cells to probabilities), faults.py (every problem, said at once),
then reading.py (the file). This room must not know where predictions come from, or what is computed from them.
"""
