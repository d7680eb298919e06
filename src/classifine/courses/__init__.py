"""SPLITS → CLASSIFIER, BY AS MANY TRAININGS AS THAT TAKES, AND WHAT IT HAS TO BEAT.

Enters: labelled training and validation texts, settings, a base model. Leaves: the classifier a run keeps, with its
history; the simple classifiers it is compared with; what folds and growing training sets score. Files in reading order:
course (one classifier: budget, the time it may take; rescue, another seed), jointly (by several processes), repeated
(several seeds, the median one), folding (cross-validation), rated and series (a learning curve), telling (a line that
says how it went); ladder with its rungs baseline, label_by_label (of several labels), frozen and contrastive.
Must not know: the test split's labels, run folders' stages, reports, the command line. What one training is stands in
:mod:`classifine.training`, which knows nothing of this room.
"""
