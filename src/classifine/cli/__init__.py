"""WORDS → VERBS: a command line comes in, one function call and a plain summary go out.

Reading order: console, then one file per verb.
This room must not know how anything is done.
"""
