"""What picture files say beside their pixels: EXIF, ICC profiles, IPTC, XMP."""
