"""The dataset as it goes out: a folder that the Hugging Face hub shows, its card and metadata, and the upload.

Here: file formats for readers elsewhere. Not here: making data (``shards``, ``labels``), pictures (``figures``).
"""
