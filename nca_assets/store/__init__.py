"""Storage in a local folder or under a prefix of an S3-compatible bucket, where files appear whole.

``location`` has the paths of both kinds, ``store`` the functions for the rest of the package. ``local`` and ``bucket``
are the two stores; nothing else distinguishes them.
"""
