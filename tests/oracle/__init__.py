"""A provider that writes down every dial, and the checks made of what it wrote.

Standard library only, and not one import from the product: what judges it shares nothing with it.
"""
