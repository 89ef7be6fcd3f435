"""The recipes of docs/recipes.md, landed from vendors that answer as their public documents say.

`stage` has what the vendors share and their registry; the other modules play them, one for each part of the document.
"""
