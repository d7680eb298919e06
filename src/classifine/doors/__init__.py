"""The public functions, one file for what belongs together: what users call, in Python and from the command line.

Takes files, run folders, classifiers or what other doors gave. Gives frozen results with ``to_dict``. In reading order:
verbs (read, split, train, evaluate …), predicted, compared, explained, exported, foreign, doubted; tuned and learning,
which walk the journey in ways of their own; estimated, regressed, planned, run_estimates for statistics; estimator for
scikit-learn. Thin: rooms do the work. Must not know how a command looks.
"""
