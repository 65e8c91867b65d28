"""How the shipped model is made: from the labelled school posts to weights, thresholds and a model card.

Nothing here is imported by a running service; it needs the extra ``train``.
"""
