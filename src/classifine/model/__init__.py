"""THE NOUNS: a base model's name comes in, a classifier that scores texts goes out.

Reading order: catalogue, hub, tokens, classifier, torch_backend.
This room must not know how a classifier was trained or how well it does.
"""
