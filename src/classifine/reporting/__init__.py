"""RUN FOLDER → ONE HTML PAGE: stored numbers come in, a self-contained page goes out; nothing is computed.

Reading order: measures, view, data_view, annotation_view, summary, data_summary, annotation_summary, wording,
data_wording, drawing, charts, forest, render, contest_page, templates.
This room must not know models, data files or how a number came about.
"""
