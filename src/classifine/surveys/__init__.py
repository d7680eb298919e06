"""PREDICTIONS + GOLD ROWS → WHAT ESTIMATES ARE MADE OF, and what is kept of estimates.

In reading order: sheets (one file's columns), gold (rows labelled by hand), corpus (both, joined), surveyed (arrays,
and whether gold rows may serve), estimates_kept (numbers, table, page, weights). Must not know any formula.
"""
