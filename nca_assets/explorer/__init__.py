"""The explorer: one HTML file that computes any rollout from its name, with the labels of some, without a server.

Python chooses the rollouts (``selection``), packs what the page needs to know (``content``), and puts the file
together (``page``). ``engine`` is the recipe and the dynamics in C, compiled to ``engine.wasm``; ``parts`` is the page.
"""
