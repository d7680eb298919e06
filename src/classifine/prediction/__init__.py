"""FILES + CLASSIFIER → PREDICTIONS: texts stream in, the same rows stream out with labels, also after a kill.

Reading order: bulk, asked, inputs, scoring, shards, claims, working, joining, sinks, workbook, review, cluster, given.
This room must not know training or how scores are made; of evaluation, only the rules for review and sets of labels.
"""
