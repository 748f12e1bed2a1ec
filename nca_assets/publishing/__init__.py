"""The published dataset: a folder for the Hugging Face hub, its card and metadata, and the upload.

Covers file formats for external readers; ``shards`` and ``labels`` make the data, ``figures`` the pictures.
"""
