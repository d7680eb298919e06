"""PREDICTIONS + GOLD SAMPLE → STATISTICS: shares, means and regressions that stay valid though labels are predicted.

Reading order: intervals, answers, shares (all groups of one corpus), powered (PPI++), designed (DSL), assumed
(Rogan-Gladen, adjusted counts, EM), formula, regression, planning, wording.
This room must not know files, texts or models: it takes arrays.
"""
