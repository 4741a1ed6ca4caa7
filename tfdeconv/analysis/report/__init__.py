"""The facts about a model's upsampling layers, as values and as a page."""
