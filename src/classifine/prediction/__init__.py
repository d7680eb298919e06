"""FILE + CLASSIFIER → PREDICTIONS: texts stream in, the same rows stream out with labels.

Reading order: bulk, sinks.
This room must not know training or evaluation.
"""
