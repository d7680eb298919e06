"""LABELLED TEXTS → FINDINGS: texts with labels come in, what is good, doubtful or wrong with them goes out.

Reading order: auditing, findings, material, label_checks, text_checks, repeats, giveaways, languages, drift.
This room must not know models or how splits are made.
"""
