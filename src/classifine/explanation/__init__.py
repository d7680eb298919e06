"""A text and a scorer come in; which words moved a label's probability goes out, and whether that can be believed.

Reading order: words, masking, linear, perturbation, gradients, faithfulness, deciding, attribution, explaining,
overview, showing, sampling, rationales. Only gradients.py imports torch. Does not know run folders.
"""
