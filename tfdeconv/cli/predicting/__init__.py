"""What `tfdeconv predict` does without a server: folders of pictures through a SavedModel."""
