"""classifine: from annotated texts to a classifier you can trust."""
