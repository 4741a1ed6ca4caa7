"""Functional Keras models from the graphs of other frameworks.

A :class:`~values.Value` is a tensor of the other framework: a Keras tensor and the order in which that one
holds the axes. Layers get the order they need; transpositions in the source only rename axes.
"""
