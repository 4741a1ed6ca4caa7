"""Write models for runtimes other than TensorFlow, and prove them there."""

from tfdeconv.export.portable.export import export_portable
from tfdeconv.export.portable.report import PortableReport

__all__ = ["PortableReport", "export_portable"]
