"""What `tfdeconv upscale` does: which photographs, by which network, and one of them."""
