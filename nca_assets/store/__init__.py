"""Where data lie: a local folder, or a prefix in a bucket of S3-compatible storage; and how files get there whole.

``location`` has the paths of both kinds, ``store`` what the rest of the package calls. ``local`` and ``bucket`` are the
two stores: nothing else tells them apart.
"""
