"""RUN FOLDER → FILES THAT RUN WITHOUT IT: a classifier in formats that other programs read, proven to be the same.

Enters: a run folder with a trained classifier and its validation texts. Leaves: model/onnx/ in it. In reading order:
blueprint.py (a classifier's parts as numbers), graph.py (those as an ONNX graph), quantizing.py (which ranges int8
covers), parity.py (what may be kept), onnx.py (the whole of it). Must not know pages, servers or the command line.
"""
