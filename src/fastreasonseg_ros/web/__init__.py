"""The page of `fastreasonseg view`: server.py serves it, page.py lays it out, the other modules are its parts."""
