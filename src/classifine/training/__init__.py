"""SPLITS → CLASSIFIER: labelled texts come in, a fine-tuned classifier and its baselines go out.

Reading order: choices, finetune, trainer, targets, batching, losses, watching, baseline.
This room must not know the test split's labels, reports or the command line.
"""
