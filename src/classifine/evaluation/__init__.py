"""PREDICTIONS → NUMBERS: predictions with truth come in, scores with intervals go out.

Reading order: metrics, intervals, matching, significance, comparison, contest, seeds, learning_curve, mistakes,
scorecard.
This room must not know torch, models or where predictions came from.
"""
