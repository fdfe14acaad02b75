"""The pages for people: rendered here from Jinja2 templates, with small scripts of our own.

One module per group of pages. A handler asks for a `Visit`, calls functions of the store through
it, and renders a template: `web` holds no SQL, and what a page may do is what the route of the
API that does the same may do (`api/access.py`). Reading works without scripts; every state is in
the address.

`app.py` puts the pages together; `visit.py` is one request of one person, `rendering.py` makes
answers, `text.py`, `values.py`, `words.py` and `plots.py` make markup from data.
"""
