"""Operators of the other frameworks as Keras layers and operations, shared by every front end.

Each function takes the numbers that describe an operator and the :class:`~place.Place` where it stands,
and returns the steps that compute it: layers wherever one exists, functions of ``keras.ops`` elsewhere.
"""
