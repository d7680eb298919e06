"""TRAINING AND VALIDATION TEXTS → SETTINGS AND THE CLASSIFIER THAT CAME OF THEM.

Enters: the two tables that training may see, a base model, settings with a section [tune]. Leaves: an Optuna study, its
account as plain JSON, and the winner's classifier. Files in reading order: space (what is searched), study (trials that
survive kills and are counted exactly), objective (one trial), finishing (what becomes of the winner), account (what is
told of it); tracking gives each trial a tracker's run. Must not know: the test texts, the command line, the report.
"""
