"""Layers whose numbers follow from the sizes of tensors: pads, slices, resizing and reshaping.

Other frameworks compute such numbers while they run. A layer here is called with a tensor and the tensors
that are measured, ``layer([x, *measured])``, and holds formulas of their sizes.
"""
