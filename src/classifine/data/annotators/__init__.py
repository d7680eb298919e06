"""JUDGEMENTS → LABELS: what annotators said comes in, one label a text goes out, with how far they agree.

Reading order: aggregation, votes, choosing, dawid_skene, identification, judging, comparing, advice; agreement, alpha,
people, resampling; sheets.
This room must not know splits or what is trained.
"""
