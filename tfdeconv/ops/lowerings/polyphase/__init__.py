"""The polyphase form behind the sub-pixel lowerings: a stride-1 convolution that returns every phase."""
