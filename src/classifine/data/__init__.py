"""FILE → SPLITS: labelled texts come in from files, checked and disjoint splits go out.

Reading order: files, rows, annotators, likeness, splits, audit; labelled walks one source through the first three;
ordering gives the orders that depend on nothing but names and the seed; demo holds the packaged posts.
This room must not know torch, transformers or any model.
"""
