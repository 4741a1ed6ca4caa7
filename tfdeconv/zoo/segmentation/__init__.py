"""Networks that label every pixel, on backbones of ``keras.applications``."""
