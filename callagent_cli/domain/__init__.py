"""The nouns: standard library only, no input or output."""
