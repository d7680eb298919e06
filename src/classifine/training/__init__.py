"""LABELLED TEXTS AND A BASE MODEL → A FINE-TUNED CLASSIFIER, BY ONE TRAINING.

Enters: training and validation texts, a base model, settings. Leaves: a classifier and the history of its training.
Files in reading order: choices and timing (settings), finetune, trainer, targets, batching, losses, heads, layers,
adapters, unpadding, rowwise, long_texts, evaluating, watching, stepping, calibrating; checkpoints and resuming (what
survives a kill); ranks, machine, trackers (processes, threads, report_to).
Must not know: the test split's labels, other trainings, reports, the command line.
"""
