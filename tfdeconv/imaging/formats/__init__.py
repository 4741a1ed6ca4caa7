"""What single file formats need: deep PNG and TIFF, EXIF, orientation, atomic writing."""
