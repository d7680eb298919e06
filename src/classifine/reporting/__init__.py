"""RUN FOLDER → ONE HTML PAGE: stored numbers come in, a self-contained page goes out; nothing is computed.

Reading order: view, summary, wording, charts, render, templates.
This room must not know models, data files or how a number came about.
"""
