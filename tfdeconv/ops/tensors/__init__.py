"""What every op needs of its tensors: checked arguments, data formats, partly known shapes, empty axes."""
